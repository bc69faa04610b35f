package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// resolve asks a node at an HTTP URL for its Raft address.
func (n *node) resolve(ctx context.Context, target string) (string, error) {
	t, err := n.transport()
	if err != nil {
		return "", err
	}
	defer t.CloseIdleConnections()
	c := &http.Client{Transport: t, Timeout: 5 * time.Second}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(target, "/")+"/v1/cluster", nil)
	if err != nil {
		return "", fmt.Errorf("--join %q: say a URL such as http://10.0.0.1:8080 or a Raft address: %w", target, err)
	}
	if token := os.Getenv("WINDROW_TOKEN"); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var status wire.Cluster
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s; with --auth token give the token in WINDROW_TOKEN, or join by Raft addresses", target, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		return "", fmt.Errorf("%s answers no cluster: %w", target, err)
	}
	for _, m := range status.Nodes {
		if m.ID == status.Node {
			return m.RaftAddr, nil
		}
	}
	return "", fmt.Errorf("%s does not know its own Raft address yet", target)
}
