package testnode

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	windrow "github.com/windrow-dev/windrow/sdk"
)

// Cluster is several servers that found a cluster together, and the workers
// that hang on.
type Cluster struct {
	t       testing.TB
	Nodes   []*Node // the servers
	Workers []*Node
}

// NewCluster starts so many servers and waits until they have a leader.
func NewCluster(t testing.TB, size int, flags ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	for range size {
		c.Nodes = append(c.Nodes, New(t))
	}
	c.Found(flags...)
	return c
}

// Of makes a cluster of servers that have not been started.
func Of(t testing.TB, nodes ...*Node) *Cluster { return &Cluster{t: t, Nodes: nodes} }

// Join makes a node that has not been started a worker of this cluster.
func (c *Cluster) Join(w *Node) {
	c.t.Helper()
	id := fmt.Sprintf("w%d", len(c.Workers)+1)
	w.Flags = append([]string{"--role", "worker", "--node-id", id, "--join", c.join()}, w.Flags...)
	w.Token = c.Nodes[0].Token
	c.Workers = append(c.Workers, w)
	w.Start()
	c.WaitWorker(id)
}

// Found starts the servers of a cluster that has never run.
func (c *Cluster) Found(flags ...string) {
	c.t.Helper()
	for i, n := range c.Nodes {
		n.Flags = append(append([]string{"--node-id", fmt.Sprintf("n%d", i+1), "--bootstrap-expect", fmt.Sprint(len(c.Nodes)), "--join", c.join()}, flags...), n.Flags...)
	}
	c.Start()
}

// Start starts all servers and waits until they are ready.
func (c *Cluster) Start() {
	c.t.Helper()
	for _, n := range c.Nodes {
		n.Launch()
	}
	for _, n := range c.Nodes {
		n.WaitReady()
	}
}

// Kill kills all servers, one right after the other.
func (c *Cluster) Kill() {
	c.t.Helper()
	for _, n := range c.Nodes {
		n.Kill()
	}
}

func (c *Cluster) join() string {
	var addrs []string
	for _, n := range c.Nodes {
		addrs = append(addrs, n.RaftAddr)
	}
	return strings.Join(addrs, ",")
}

// AddWorker starts a node that only works for this cluster, and waits until it
// has a session.
func (c *Cluster) AddWorker(flags ...string) *Node {
	c.t.Helper()
	w := New(c.t, flags...)
	c.Join(w)
	return w
}

// WaitWorker waits until the cluster gives work to a worker.
func (c *Cluster) WaitWorker(id string) {
	c.t.Helper()
	cl := c.Client()
	Poll(c.t, "a session of "+id, func() error {
		for w, err := range cl.Workers(context.Background()) {
			if err != nil {
				return err
			}
			if w.ID == id && w.State == "ready" {
				return nil
			}
		}
		return errors.New("it has none")
	})
}

// Client knows all servers.
func (c *Cluster) Client() *windrow.Client {
	c.t.Helper()
	return c.ClientFrom(0)
}

// ClientFrom knows all servers and begins with the one of that number.
func (c *Cluster) ClientFrom(first int) *windrow.Client {
	c.t.Helper()
	var urls []string
	for i := range c.Nodes {
		urls = append(urls, c.Nodes[(first+i)%len(c.Nodes)].URL())
	}
	return c.Nodes[0].dial(windrow.Config{Servers: urls})
}

// Leader is the node that leads, as those that answer know.
func (c *Cluster) Leader() *Node {
	c.t.Helper()
	var leader *Node
	Poll(c.t, "a leader", func() error {
		for _, asked := range c.Nodes {
			if !asked.Running() {
				continue
			}
			status, err := asked.Impatient().Cluster(context.Background())
			if err != nil {
				continue
			}
			// Nobody but the leader itself is believed: who has just lost one
			// may not know yet.
			if n := c.node(status.Leader); n == asked {
				leader = n
				return nil
			}
		}
		return errors.New("none is known")
	})
	return leader
}

// ID is a server's name.
func (c *Cluster) ID(n *Node) string {
	for i, x := range c.Nodes {
		if x == n {
			return fmt.Sprintf("n%d", i+1)
		}
	}
	return ""
}

func (c *Cluster) node(id string) *Node {
	for _, n := range c.Nodes {
		if c.ID(n) == id {
			return n
		}
	}
	return nil
}

// Follower is some server that does not lead.
func (c *Cluster) Follower() *Node {
	c.t.Helper()
	return c.Others(c.Leader())[0]
}

// Others are all servers but one.
func (c *Cluster) Others(than *Node) []*Node {
	var out []*Node
	for _, n := range c.Nodes {
		if n != than {
			out = append(out, n)
		}
	}
	return out
}

// WaitCaughtUp waits until a server has applied all that the leader has.
func (c *Cluster) WaitCaughtUp(n *Node) {
	c.t.Helper()
	Poll(c.t, "a server to catch up", func() error {
		want, err := c.Leader().Impatient().Cluster(context.Background())
		if err != nil {
			return err
		}
		have, err := n.Impatient().Cluster(context.Background())
		if err != nil {
			return err
		}
		if have.Index < want.Index {
			return fmt.Errorf("it has %d of %d", have.Index, want.Index)
		}
		return nil
	})
}
