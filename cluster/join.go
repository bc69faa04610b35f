package cluster

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"github.com/windrow-dev/windrow/cluster/peer"
)

// maxVoters is how many servers vote; more follow along and take over the
// place of one that is removed.
const maxVoters = 5

// joinRequest asks to become or remain a member.
type joinRequest struct {
	Member
	Fresh bool `json:"fresh"` // it has no log
	Vote  bool `json:"vote"`  // it has caught up and asks to vote
	Hops  int  `json:"hops"`
}

type joinAnswer struct {
	Cluster string `json:"cluster"` // hex
	Leader  string `json:"leader"`  // Raft address
}

// joinPause is how long a node rests before it asks again.
const joinPause = 200 * time.Millisecond

// settle makes this node a full member, whatever it is at start, and sees to it
// that it stays one: a server that joins anew reads on its way through the log
// that it votes, as it did before it was removed.
func (n *Node) settle() {
	if !n.fresh.Load() {
		n.electAlone()
	} else if n.cfg.BootstrapExpect > 1 {
		if err := n.gather(); err != nil {
			n.fail(err)
			return
		}
	} else if err := n.joinAny(); err != nil {
		n.fail(err)
		return
	}
	for n.ctx.Err() == nil {
		if s, ok := n.find(string(n.id)); ok && s.Suffrage == raft.Voter && string(s.Address) == n.cfg.RaftAddr {
			n.rest(lonelyEvery)
			continue
		}
		pause := joinPause
		switch err := n.askToVote(); {
		case refused(err):
			n.fail(err)
			return
		case err != nil:
			n.log.Debug("ask to vote", "error", err)
		default:
			pause = time.Second // enough others vote, or the answer is under way
		}
		n.rest(pause)
	}
}

// refused tells whether asking again is of no use.
func refused(err error) bool {
	var answer *peer.Error
	return errors.Is(err, peer.ErrOtherCluster) || errors.As(err, &answer) && answer.Code == codeRefused
}

func (n *Node) rest(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-n.ctx.Done():
	}
}

// Rafts tell a server of its removal at best. lonelyTicks is for how many
// looks, one every lonelyEvery, a server must have had no leader before it asks
// whether it still belongs.
const (
	lonelyEvery = time.Second
	lonelyTicks = 3
)

// watchMembership ends the node's part once it is removed from the cluster.
func (n *Node) watchMembership() {
	lonely := 0
	for n.ctx.Err() == nil {
		n.rest(lonelyEvery)
		if l, _ := n.Leadership(); l.ID != "" {
			lonely = 0
			continue
		}
		lonely++
		if lonely%lonelyTicks != 0 {
			continue
		}
		if err := n.askOthers(); err != nil {
			n.fail(err)
			return
		}
	}
}

// askOthers asks whether this node is still a member; only a leader says no.
func (n *Node) askOthers() error {
	for _, s := range n.servers() {
		if s.ID == n.id || n.ctx.Err() != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(n.ctx, time.Second)
		_, err := ask[joinAnswer](ctx, n, string(s.Address), callJoin, joinRequest{Member: n.self(), Vote: true})
		cancel()
		if refused(err) {
			return err
		}
	}
	return nil
}

// joinAny asks the nodes it was told of until one has let it in.
func (n *Node) joinAny() error {
	request := joinRequest{Member: n.self(), Fresh: true}
	for {
		for _, target := range n.cfg.Join {
			err := n.joinAt(target, request)
			if err == nil {
				return nil
			}
			if n.ctx.Err() != nil {
				return ErrClosed
			}
			if refused(err) {
				return fmt.Errorf("join %s: %w", target, err)
			}
			n.log.Info("join: not yet", "at", target, "error", err)
		}
		n.rest(joinPause)
	}
}

func (n *Node) joinAt(target string, request joinRequest) error {
	ctx, cancel := context.WithTimeout(n.ctx, changeLimit)
	defer cancel()
	addr, err := n.resolve(ctx, target)
	if err != nil {
		return err
	}
	answer, err := ask[joinAnswer](ctx, n, addr, callJoin, request)
	if err != nil {
		return err
	}
	var cluster peer.ClusterID
	if k, err := hex.Decode(cluster[:], []byte(answer.Cluster)); err != nil || k != len(cluster) {
		return fmt.Errorf("%w: cluster id %q", errWire, answer.Cluster)
	}
	return n.adopt(cluster)
}

// resolve makes a Raft address of an element of Join.
func (n *Node) resolve(ctx context.Context, target string) (string, error) {
	if !strings.Contains(target, "://") {
		if _, _, err := net.SplitHostPort(target); err == nil {
			return target, nil
		}
	}
	if n.cfg.Resolve == nil {
		return "", fmt.Errorf("join %q: want the Raft address of a node, host:port", target)
	}
	return n.cfg.Resolve(ctx, target)
}

// askToVote brings this node's place in the configuration up to date once it
// has caught up with the leader and is ready.
func (n *Node) askToVote() error {
	ctx, cancel := context.WithTimeout(n.ctx, changeLimit)
	defer cancel()
	if _, err := n.ReadIndex(ctx); err != nil {
		return err
	}
	if !n.cfg.Ready() {
		return errors.New("not ready yet")
	}
	_, err := throughLeader(ctx, n, callJoin, joinRequest{Member: n.self(), Vote: true}, n.admit)
	return err
}

// admit lets a node in or lets a member vote; the leader carries it out, any
// other node passes it on.
func (n *Node) admit(ctx context.Context, q joinRequest) (joinAnswer, error) {
	l, _ := n.Leadership()
	if !l.Self {
		if l.Addr == "" || q.Hops > 0 {
			return joinAnswer{}, ErrNotLeader
		}
		q.Hops++
		return ask[joinAnswer](ctx, n, l.Addr, callJoin, q)
	}
	if conf := n.raft.GetConfiguration(); conf.Index() > n.raft.CommitIndex() {
		return joinAnswer{}, ErrNotLeader // what is not committed may be taken back
	}
	if _, err := n.confirms.once(ctx); err != nil {
		return joinAnswer{}, err
	}
	if err := n.admissible(q); err != nil {
		return joinAnswer{}, err
	}
	want := raft.Server{ID: raft.ServerID(q.ID), Address: raft.ServerAddress(q.RaftAddr), Suffrage: raft.Nonvoter}
	add := n.raft.AddNonvoter
	if q.Vote && n.mayVote(q.ID) {
		want.Suffrage, add = raft.Voter, n.raft.AddVoter
	}
	if s, ok := n.find(q.ID); !ok || s != want {
		if err := changeError(add(want.ID, want.Address, 0, changeLimit).Error()); err != nil {
			return joinAnswer{}, err
		}
		n.log.Info("server admitted", "id", q.ID, "raft_addr", q.RaftAddr, "suffrage", want.Suffrage.String())
	}
	cluster := n.cfg.Folder.Cluster()
	return joinAnswer{Cluster: hex.EncodeToString(cluster[:]), Leader: n.cfg.RaftAddr}, nil
}

// admissible refuses what would break the cluster.
func (n *Node) admissible(q joinRequest) error {
	if !nodeIDForm().MatchString(q.ID) {
		return refuse("node id %q", q.ID)
	}
	if _, _, err := net.SplitHostPort(q.RaftAddr); err != nil {
		return refuse("raft address %q: %v", q.RaftAddr, err)
	}
	for _, s := range n.servers() {
		switch {
		case string(s.ID) == q.ID && s.Suffrage == raft.Voter && q.Fresh:
			return refuse("server %q is a member already, but its data folder is empty: remove it from the cluster, then let it join under a new --node-id", q.ID)
		case string(s.ID) != q.ID && string(s.Address) == q.RaftAddr:
			return refuse("address %s belongs to server %q: remove it from the cluster first", q.RaftAddr, s.ID)
		case !q.Fresh && !q.Vote && string(s.ID) == q.ID:
			return nil
		}
	}
	if _, ok := n.find(q.ID); !ok && q.Vote {
		return refuse("server %q was removed from the cluster", q.ID)
	}
	return nil
}

func (n *Node) mayVote(id string) bool {
	voters := 0
	for _, s := range n.servers() {
		if string(s.ID) == id && s.Suffrage == raft.Voter {
			return true
		}
		if s.Suffrage == raft.Voter {
			voters++
		}
	}
	return voters < maxVoters
}
