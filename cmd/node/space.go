package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// diskWatch knows whether the data folder's disk is low, without a system call
// for each command.
type diskWatch struct {
	mu   sync.Mutex
	at   time.Time // of the last look
	last bool
	look func() (low bool)
}

// lookEvery is how old such knowledge may be.
const lookEvery = 100 * time.Millisecond

func (w *diskWatch) low() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); now.Sub(w.at) >= lookEvery {
		w.at, w.last = now, w.look()
	}
	return w.last
}

// lookAtDisk asks the system. A disk that cannot be asked is not called low:
// whatever is wrong with it shows when it is written to.
func (n *node) lookAtDisk() bool {
	space, err := n.replica.Store().FreeSpace()
	return err == nil && space.Low
}

// room refuses a command that brings data in while this node's disk is low;
// what ends work goes on.
func (n *node) room(c command.Command) command.Result {
	if brings(c) && n.disk.low() {
		return command.Result{Code: wire.CodeDiskFull,
			Detail: fmt.Sprintf("nothing was done; free space on the disk of node %s's data folder and try again", n.folder.NodeID())}
	}
	return command.Result{}
}

// brings reports whether a command brings data in. A submission of no calls
// only claims a key for a request that may end work.
func brings(c command.Command) bool {
	switch c := c.(type) {
	case *command.Submit:
		return len(c.Calls.List) > 0
	case *command.Stage, *command.PutDocument:
		return true
	}
	return false
}

// check judges, on the leader, a command of another node.
func (n *node) check(cmd []byte) command.Result {
	if to, err := command.Shard(cmd); err != nil || to != shard {
		return command.Result{Code: command.CodeVersion, Detail: fmt.Sprintf("the leader %s does not have the command's shard", n.folder.NodeID())}
	}
	c, err := command.Decode(cmd)
	if err != nil {
		return command.Result{Code: command.CodeVersion, Detail: fmt.Sprintf("the leader %s cannot read the command: %v", n.folder.NodeID(), err)}
	}
	return n.room(c)
}
