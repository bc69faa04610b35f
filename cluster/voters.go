package cluster

import (
	"context"

	"github.com/hashicorp/raft"
)

// Voters lists the servers that vote, as the newest configuration names them;
// nobody is asked.
func (n *Node) Voters() []Member {
	var out []Member
	for _, s := range n.servers() {
		if s.Suffrage == raft.Voter {
			out = append(out, Member{ID: string(s.ID), RaftAddr: string(s.Address), Voter: true})
		}
	}
	return out
}

// Admit lets a server in that somebody else speaks for. It votes once it has
// caught up and asks to.
func (n *Node) Admit(ctx context.Context, m Member) error {
	_, err := throughLeader(ctx, n, callJoin, joinRequest{Member: m}, n.admit)
	return err
}
