package testnode

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	windrow "github.com/windrow-dev/windrow/sdk"
)

// Cluster is several nodes that found a cluster together.
type Cluster struct {
	t     testing.TB
	Nodes []*Node
}

// NewCluster starts so many servers and waits until they have a leader.
func NewCluster(t testing.TB, size int, flags ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	var join []string
	for range size {
		n := New(t)
		c.Nodes = append(c.Nodes, n)
		join = append(join, n.RaftAddr)
	}
	for i, n := range c.Nodes {
		n.Flags = append([]string{"--node-id", fmt.Sprintf("n%d", i+1), "--bootstrap-expect", fmt.Sprint(size), "--join", strings.Join(join, ",")}, flags...)
		n.Launch()
	}
	for _, n := range c.Nodes {
		n.WaitReady()
	}
	return c
}

// Client knows all nodes.
func (c *Cluster) Client() *windrow.Client {
	c.t.Helper()
	var urls []string
	for _, n := range c.Nodes {
		urls = append(urls, n.URL())
	}
	return Client(c.t, urls...)
}

// Leader is the node that leads, as the asked one knows.
func (c *Cluster) Leader(asked *Node) *Node {
	c.t.Helper()
	var leader *Node
	Poll(c.t, "a leader", func() error {
		status, err := asked.Client().Cluster(context.Background())
		if err != nil {
			return err
		}
		for i, n := range c.Nodes {
			if status.Leader == fmt.Sprintf("n%d", i+1) {
				leader = n
				return nil
			}
		}
		return errors.New("none is known")
	})
	return leader
}

// Others are all nodes but one.
func (c *Cluster) Others(than *Node) []*Node {
	var out []*Node
	for _, n := range c.Nodes {
		if n != than {
			out = append(out, n)
		}
	}
	return out
}
