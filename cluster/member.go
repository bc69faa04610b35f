package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/windrow-dev/windrow/cluster/peer"
)

// Member is one server of the cluster.
type Member struct {
	ID       string      `json:"id"`
	State    MemberState `json:"state"`
	Voter    bool        `json:"voter"`
	Role     string      `json:"role"`
	RaftAddr string      `json:"raft_addr"`
	HTTPAddr string      `json:"http_addr"`
	Version  uint32      `json:"version"` // newest machine version it supports
	Applied  uint64      `json:"applied"` // its newest applied entry
}

// MemberState is what a member is, seen from the node that was asked.
type MemberState string

// The states of a member.
const (
	MemberLeader      MemberState = "leader"
	MemberFollower    MemberState = "follower"
	MemberJoining     MemberState = "joining"     // does not vote yet
	MemberUnreachable MemberState = "unreachable" // did not answer; the rest is as last heard
)

// memberLimit is how long a member has to answer.
const memberLimit = 300 * time.Millisecond

// Members lists the cluster's servers in the order of their ids. What they say
// of themselves is asked anew.
func (n *Node) Members(ctx context.Context) []Member {
	ctx, cancel := context.WithTimeout(ctx, memberLimit)
	defer cancel()
	leader, _ := n.Leadership()
	servers := n.servers()
	answers := make([]chan Member, len(servers))
	for i, s := range servers {
		answers[i] = make(chan Member, 1)
		if s.ID == n.id {
			answers[i] <- n.self()
			continue
		}
		n.cfg.Net.Go(func() { answers[i] <- n.whois(ctx, s) })
	}
	list := make([]Member, len(servers))
	for i, s := range servers {
		m := <-answers[i]
		m.ID, m.RaftAddr, m.Voter = string(s.ID), string(s.Address), s.Suffrage == raft.Voter
		switch {
		case m.State == MemberUnreachable:
		case m.ID == leader.ID:
			m.State = MemberLeader
		case m.Voter:
			m.State = MemberFollower
		default:
			m.State = MemberJoining
		}
		list[i] = m
	}
	sortBy(list, func(m Member) string { return m.ID })
	return list
}

// self is what this node says of itself.
func (n *Node) self() Member {
	return Member{
		ID: string(n.id), Role: n.cfg.Role, RaftAddr: n.cfg.RaftAddr, HTTPAddr: n.cfg.HTTPAddr,
		Version: n.cfg.Version, Applied: n.shard.AppliedIndex(),
	}
}

func (n *Node) serveWhoami(context.Context, []byte) ([]byte, error) { return json.Marshal(n.self()) }

// whois asks a member; one that does not answer is told of as last heard.
func (n *Node) whois(ctx context.Context, s raft.Server) Member {
	m, err := ask[Member](ctx, n, string(s.Address), callWhoami, nil)
	if err == nil && m.ID != string(s.ID) {
		err = fmt.Errorf("node %q answers at the address of %q", m.ID, s.ID)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err == nil {
		n.known[m.ID] = m
		return m
	}
	m = n.known[string(s.ID)]
	m.State = MemberUnreachable
	return m
}

// Remove takes a server out of the cluster for good. A removed leader hands
// over first.
func (n *Node) Remove(ctx context.Context, id string) error {
	_, err := throughLeader[string, struct{}](ctx, n, callRemove, id, n.expel)
	return err
}

// Transfer makes another server the leader; an empty id leaves the choice to
// the leader.
func (n *Node) Transfer(ctx context.Context, id string) error {
	_, err := throughLeader[string, struct{}](ctx, n, callTransfer, id, n.transfer)
	return err
}

// throughLeader does something on the leader, wherever it is, and waits for
// one as long as ctx allows.
func throughLeader[Q, A any](ctx context.Context, n *Node, method string, q Q, here func(context.Context, Q) (A, error)) (A, error) {
	for {
		var a A
		err := ErrNotLeader
		l, changed := n.Leadership()
		switch {
		case l.Self:
			a, err = here(ctx, q)
		case l.Addr != "":
			a, err = ask[A](ctx, n, l.Addr, method, q)
		}
		if !errors.Is(err, ErrNotLeader) {
			return a, err
		}
		if err := n.waitLeader(ctx, changed); err != nil {
			return a, err
		}
	}
}

// changeLimit bounds one change of the configuration.
const changeLimit = 10 * time.Second

// refuse is an error that another node's caller sees as it is.
func refuse(format string, args ...any) error {
	return &peer.Error{Code: codeRefused, Message: fmt.Sprintf(format, args...)}
}

func (n *Node) find(id string) (raft.Server, bool) {
	for _, s := range n.servers() {
		if string(s.ID) == id {
			return s, true
		}
	}
	return raft.Server{}, false
}

// expel removes a server; the leader carries it out.
func (n *Node) expel(ctx context.Context, id string) (struct{}, error) {
	if l, _ := n.Leadership(); !l.Self {
		return struct{}{}, ErrNotLeader
	}
	s, ok := n.find(id)
	switch {
	case !ok:
		return struct{}{}, refuse("no server %q in the cluster", id)
	case s.ID == n.id && len(n.servers()) == 1:
		return struct{}{}, refuse("%q is the only server", id)
	case s.ID == n.id: // the next leader is asked again
		if _, err := n.transfer(ctx, ""); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, ErrNotLeader
	}
	return struct{}{}, changeError(n.raft.RemoveServer(s.ID, 0, changeLimit).Error())
}

// changeError tells whether a change of the configuration was refused before
// it was logged.
func changeError(err error) error {
	if err == nil {
		return nil
	}
	return proposalError(err)
}

// transfer hands leadership over.
func (n *Node) transfer(_ context.Context, id string) (struct{}, error) {
	if l, _ := n.Leadership(); !l.Self {
		return struct{}{}, ErrNotLeader
	}
	if id == string(n.id) {
		return struct{}{}, nil
	}
	future := n.raft.LeadershipTransfer
	if id != "" {
		s, ok := n.find(id)
		if !ok || s.Suffrage != raft.Voter {
			return struct{}{}, refuse("%q is no voting server of the cluster", id)
		}
		future = func() raft.Future { return n.raft.LeadershipTransferToServer(s.ID, s.Address) }
	}
	if err := future().Error(); err != nil {
		return struct{}{}, refuse("transfer leadership: %v", err)
	}
	return struct{}{}, nil
}

// handOver makes another voter lead before this node goes.
func (n *Node) handOver() {
	if n.raft.State() != raft.Leader || n.alone() {
		return
	}
	done := make(chan error, 1)
	go func() { done <- n.raft.LeadershipTransfer().Error() }() // Raft answers, unless its disk hangs
	select {
	case err := <-done:
		if err != nil {
			n.log.Info("hand over leadership before closing", "error", err)
		}
	case <-time.After(closeLimit):
		n.log.Warn("hand over leadership before closing: no answer")
	}
}
