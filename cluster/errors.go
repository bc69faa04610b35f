package cluster

import (
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

var (
	// ErrNotLeader says that the command did not enter the log: it is safe to
	// send it again.
	ErrNotLeader = errors.New("no leader took the command")
	// ErrUnknownOutcome says that the command may or may not take effect. Only
	// the same idempotency key makes sending it again safe.
	ErrUnknownOutcome = errors.New("outcome unknown: the leader was lost while it committed")
	// ErrNoLeader says that no leader could be asked in the time given.
	ErrNoLeader = errors.New("the cluster has no leader")
	// ErrClosed says that this node is shutting down.
	ErrClosed = errors.New("node is shutting down")
	// ErrTooLarge says that a command can never fit into a log entry.
	ErrTooLarge = errors.New("command too large for the log")
)

// proposalError tells whether Raft refused an entry before it was logged.
func proposalError(err error) error {
	switch {
	case errors.Is(err, raft.ErrNotLeader),
		errors.Is(err, raft.ErrLeadershipTransferInProgress),
		errors.Is(err, raft.ErrEnqueueTimeout):
		return fmt.Errorf("%w: %w", ErrNotLeader, err)
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}
