package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/cluster/peer"
)

// callServers asks a server who the servers are.
const callServers = "node.servers"

// server is one server as a worker node needs to know it.
type server struct {
	ID       string `json:"id"`
	RaftAddr string `json:"raft_addr"`
	HTTPAddr string `json:"http_addr"`
	Leader   bool   `json:"leader"`
}

// serverList is what a server answers.
type serverList struct {
	Servers []server `json:"servers"`
	// Guarded says that a token is needed over HTTP.
	Guarded bool `json:"guarded"`
}

// answerServers tells worker nodes who the servers are.
func (n *node) answerServers(ctx context.Context, _ []byte) ([]byte, error) {
	l, _ := n.cluster.Leadership()
	out := serverList{Guarded: n.guard() != nil}
	for _, m := range n.cluster.Members(ctx) {
		out.Servers = append(out.Servers, server{ID: m.ID, RaftAddr: m.RaftAddr, HTTPAddr: m.HTTPAddr, Leader: m.ID == l.ID})
	}
	return json.Marshal(out)
}

// servers is what a worker node knows of the cluster: the servers it was told
// of at start, and whom they name. The leader comes first.
type servers struct {
	net     *peer.Net
	resolve func(ctx context.Context, target string) (string, error)
	join    []string
	mu      sync.Mutex
	known   []server
	guards  bool      // as last heard
	asked   time.Time // of refreshSoon
}

// guarded reports whether the servers said that they ask for a token.
func (s *servers) guarded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.guards
}

// refreshEvery is how often refreshSoon asks.
const refreshEvery = time.Second

// refreshSoon is refresh for whoever may be called very often.
func (s *servers) refreshSoon(ctx context.Context) error {
	s.mu.Lock()
	now := time.Now()
	recent := now.Sub(s.asked) < refreshEvery
	if !recent {
		s.asked = now
	}
	heard := len(s.known) > 0
	s.mu.Unlock()
	switch {
	case !recent:
		return s.refresh(ctx)
	case !heard:
		return errors.New("no server of --join answers")
	}
	return nil
}

// list gives the servers known now.
func (s *servers) list() []server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.known)
}

// refresh asks around for the present servers; what was known stays when
// nobody answers.
func (s *servers) refresh(ctx context.Context) error {
	var faults error
	for _, addr := range s.addresses(ctx) {
		raw, err := s.net.Call(ctx, addr, callServers, nil)
		var answer serverList
		if err == nil {
			err = json.Unmarshal(raw, &answer)
		}
		found := answer.Servers
		if err != nil || len(found) == 0 {
			faults = errors.Join(faults, fmt.Errorf("ask %s for the servers: %w", addr, err))
			continue
		}
		slices.SortStableFunc(found, func(a, b server) int {
			switch {
			case a.Leader == b.Leader:
				return 0
			case a.Leader:
				return -1
			}
			return 1
		})
		s.mu.Lock()
		s.known, s.guards = found, answer.Guarded
		s.mu.Unlock()
		return nil
	}
	return errors.Join(errors.New("no server of --join answers"), faults)
}

// addresses are the Raft addresses to ask, the known ones first.
func (s *servers) addresses(ctx context.Context) []string {
	var out []string
	for _, k := range s.list() {
		if k.RaftAddr != "" {
			out = append(out, k.RaftAddr)
		}
	}
	for _, target := range s.join {
		addr := target
		if _, _, err := net.SplitHostPort(target); err != nil || strings.Contains(target, "://") {
			if addr, err = s.resolve(ctx, target); err != nil {
				continue
			}
		}
		if !slices.Contains(out, addr) {
			out = append(out, addr)
		}
	}
	return out
}

// Attach implements link.Attacher: the leader is tried first, then whoever may
// have become it.
func (s *servers) Attach(ctx context.Context, h *link.Hello) (link.Conn, error) {
	if err := s.refresh(ctx); err != nil {
		return nil, err
	}
	var faults error
	for _, k := range s.list() {
		c := link.Client{Dial: func(ctx context.Context) (link.Stream, error) { return s.net.Dial(ctx, k.RaftAddr, link.Kind) }}
		conn, err := c.Attach(ctx, h)
		if err == nil {
			return conn, nil
		}
		faults = errors.Join(faults, fmt.Errorf("%s: %w", k.ID, err))
	}
	return nil, faults
}

// others are the Raft addresses of the servers, for blobs.
func (s *servers) others() []string {
	var out []string
	for _, k := range s.list() {
		out = append(out, k.RaftAddr)
	}
	return out
}
