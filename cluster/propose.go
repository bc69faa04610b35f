package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/windrow-dev/windrow/cluster/command"
)

// Propose puts one encoded command into the log, through the leader wherever
// it is, and returns what it came to and the index of its entry. While there
// is no leader it waits for one as long as ctx allows.
//
// ErrNotLeader and ErrNoLeader mean that the command did not enter the log,
// ErrUnknownOutcome that it may have. cmd must not be changed until Propose
// has returned a result or an error of the first kind.
func (n *Node) Propose(ctx context.Context, cmd []byte) (command.Result, uint64, error) {
	c, err := n.propose(ctx, [][]byte{cmd})
	if err != nil {
		return command.Result{}, 0, err
	}
	return c.results[0], c.index, nil
}

// ProposeAll is Propose for commands that one caller has at once; they share
// an entry, in their order, and must fit into it.
func (n *Node) ProposeAll(ctx context.Context, cmds [][]byte) ([]command.Result, uint64, error) {
	if len(cmds) == 0 {
		return nil, n.AppliedIndex(), nil
	}
	c, err := n.propose(ctx, cmds)
	if err != nil {
		return nil, 0, err
	}
	return c.results, c.index, nil
}

func (n *Node) propose(ctx context.Context, cmds [][]byte) (*call, error) {
	c, err := newCall(cmds)
	if err != nil {
		return nil, err
	}
	for {
		_, changed := n.Leadership()
		err := n.proposer.propose(ctx, c)
		if errors.Is(err, ErrNotLeader) && ctx.Err() == nil {
			err = n.forward(ctx, c)
		}
		switch {
		case err == nil:
			return c, nil
		case !errors.Is(err, ErrNotLeader):
			return nil, err
		case ctx.Err() != nil:
			return nil, fmt.Errorf("%w: %w", ErrNoLeader, err)
		}
		if err := n.waitLeader(ctx, changed); err != nil {
			return nil, err
		}
	}
}
