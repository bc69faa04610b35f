package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/windrow-dev/windrow/cluster/peer"
)

// Founding a cluster of N servers: each tells the others whom it knows, until
// it knows N. It then fixes on that set for good and founds the cluster once
// all N say that they have fixed on the same set. Since nobody fixes on two
// sets, no two of them can found different clusters.

// founder is one server that waits to found a cluster.
type founder struct {
	ID    string `json:"id"`
	Addr  string `json:"addr"`
	Nonce string `json:"nonce"` // new for each data folder
}

// gathering is what a node says to the others while it waits.
type gathering struct {
	Self   founder   `json:"self"`
	Expect int       `json:"expect"`
	Known  []founder `json:"known"`
	// Fixed names the set, once there is one; it is the cluster's id.
	Fixed string `json:"fixed,omitempty"`
	// Member: the node belongs to a cluster already.
	Member string `json:"member,omitempty"`
}

const (
	gatherPause = 50 * time.Millisecond
	gatherLimit = time.Second
)

// gatherer is the state of founding.
type gatherer struct {
	mu    sync.Mutex
	self  founder
	n     int
	known map[string]founder // by id
	fixed string
}

func (n *Node) newGatherer() *gatherer {
	self := founder{ID: string(n.id), Addr: n.cfg.RaftAddr, Nonce: hex.EncodeToString(random(8))}
	return &gatherer{self: self, n: n.cfg.BootstrapExpect, known: map[string]founder{self.ID: self}}
}

// say is what this node tells the others.
func (g *gatherer) say() gathering {
	g.mu.Lock()
	defer g.mu.Unlock()
	return gathering{Self: g.self, Expect: g.n, Known: g.set(), Fixed: g.fixed}
}

// set is the known founders, sorted. The mutex is held.
func (g *gatherer) set() []founder {
	list := make([]founder, 0, len(g.known))
	for _, f := range g.known {
		list = append(list, f)
	}
	sortBy(list, func(f founder) string { return f.ID })
	return list
}

// hear learns from another node and fixes on the set when it is complete.
func (g *gatherer) hear(o gathering) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if o.Expect != g.n {
		return fmt.Errorf("server %q expects %d servers, this one %d: give all the same --bootstrap-expect", o.Self.ID, o.Expect, g.n)
	}
	for _, f := range append([]founder{o.Self}, o.Known...) {
		old, ok := g.known[f.ID]
		switch {
		case ok && old != f && g.fixed != "":
			return fmt.Errorf("server %q was started anew while the cluster was founded: empty the data folders and start all again", f.ID)
		case ok && old.Addr != f.Addr:
			return fmt.Errorf("two servers are called %q: %s and %s", f.ID, old.Addr, f.Addr)
		case !ok && g.fixed != "":
			return fmt.Errorf("more than %d servers wait to found the cluster: %q is one too many", g.n, f.ID)
		}
		if f == o.Self || !ok { // about itself a server knows best
			g.known[f.ID] = f
		}
	}
	if len(g.known) > g.n {
		return fmt.Errorf("more than %d servers wait to found the cluster", g.n)
	}
	if len(g.known) == g.n && g.fixed == "" {
		g.fixed = fixedName(g.set())
	}
	return nil
}

// fixedName is a hash of the set: the cluster's id.
func fixedName(set []founder) string {
	var text strings.Builder
	for _, f := range set {
		fmt.Fprintf(&text, "%s %s %s\n", f.ID, f.Addr, f.Nonce)
	}
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:16])
}

// addresses are whom to ask: those it was told of and those it knows.
func (g *gatherer) addresses() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []string
	for _, f := range g.known {
		if f.ID != g.self.ID {
			list = append(list, f.Addr)
		}
	}
	return list
}

// gather founds the cluster together with the other servers.
func (n *Node) gather() error {
	g := n.newGatherer()
	n.mu.Lock()
	n.gatherer = g
	n.mu.Unlock()
	for n.ctx.Err() == nil {
		agreed := map[string]bool{}
		for _, addr := range n.gatherAddresses(g) {
			said, err := n.gatherAt(addr, g)
			if err != nil {
				return err
			}
			own := g.say()
			switch {
			case said.Member != "" && said.Member != own.Fixed:
				// The others founded the cluster with this node, which was
				// stopped before it had written anything: their leader comes.
				return nil
			case own.Fixed != "" && (said.Fixed == own.Fixed || said.Member == own.Fixed):
				agreed[said.Self.ID] = true
			}
		}
		if own := g.say(); own.Fixed != "" && len(agreed) == own.Expect-1 {
			return n.foundTogether(own)
		}
		n.rest(gatherPause)
	}
	return nil
}

func (n *Node) gatherAddresses(g *gatherer) []string {
	list := g.addresses()
	for _, target := range n.cfg.Join {
		ctx, cancel := context.WithTimeout(n.ctx, gatherLimit)
		addr, err := n.resolve(ctx, target)
		cancel()
		if err != nil {
			n.log.Info("found cluster: not yet", "at", target, "error", err)
			continue
		}
		list = append(list, addr)
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return slices.DeleteFunc(list, func(a string) bool { return a == n.cfg.RaftAddr })
}

// gatherAt exchanges what is known with one node. A node that does not answer
// is no error; one that contradicts is.
func (n *Node) gatherAt(addr string, g *gatherer) (gathering, error) {
	ctx, cancel := context.WithTimeout(n.ctx, gatherLimit)
	defer cancel()
	said, err := ask[gathering](ctx, n, addr, callGather, g.say())
	if err != nil {
		n.log.Debug("found cluster: not yet", "at", addr, "error", err)
		return gathering{}, nil
	}
	if said.Member != "" {
		own := n.cfg.Folder.Cluster()
		if said.Member == g.say().Fixed || said.Member == hex.EncodeToString(own[:]) {
			return said, nil
		}
		return said, fmt.Errorf("server %q belongs to a cluster already: start this one with --join and without --bootstrap-expect", said.Self.ID)
	}
	return said, g.hear(said)
}

func (n *Node) serveGather(_ context.Context, b []byte) ([]byte, error) {
	var said gathering
	if err := json.Unmarshal(b, &said); err != nil {
		return nil, err
	}
	n.mu.Lock()
	g := n.gatherer
	n.mu.Unlock()
	if cluster := n.cfg.Folder.Cluster(); cluster != (peer.ClusterID{}) && !n.fresh.Load() {
		return json.Marshal(gathering{Self: founder{ID: string(n.id)}, Member: hex.EncodeToString(cluster[:])})
	}
	if g == nil {
		return nil, refuse("server %q was not started with --bootstrap-expect", n.id)
	}
	if err := g.hear(said); err != nil {
		n.fail(err)
		return nil, refuse("%v", err)
	}
	return json.Marshal(g.say())
}

// foundTogether writes the same first entry on each founder.
func (n *Node) foundTogether(g gathering) error {
	var cluster peer.ClusterID
	if _, err := hex.Decode(cluster[:], []byte(g.Fixed)); err != nil {
		return err
	}
	var conf raft.Configuration
	for _, f := range g.Known {
		conf.Servers = append(conf.Servers, raft.Server{
			ID: raft.ServerID(f.ID), Address: raft.ServerAddress(f.Addr), Suffrage: raft.Voter,
		})
	}
	if err := n.adopt(cluster); err != nil {
		return err
	}
	defer n.fresh.Store(false)
	// Another founder's election may have come first and brought the entry.
	if err := n.raft.BootstrapCluster(conf).Error(); err != nil && len(n.servers()) == 0 {
		n.log.Info("found cluster: another founder was faster", "error", err)
	}
	return nil
}

func sortBy[T any](list []T, key func(T) string) {
	slices.SortFunc(list, func(a, b T) int { return strings.Compare(key(a), key(b)) })
}
