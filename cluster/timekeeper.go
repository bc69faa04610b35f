package cluster

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/hashicorp/raft"
)

// How often the leader looks whether its wall clock has been set, how long the
// other servers have to say theirs, and how long a new leader waits for them
// before it goes on from the last T.
const (
	clockEvery   = time.Second
	clockLimit   = 500 * time.Millisecond
	clockAtStart = 150 * time.Millisecond
	clockWarn    = time.Minute
)

// keepTime lets the leader's T follow the wall clock as far as servers agree.
func (n *Node) keepTime() {
	ticker := time.NewTicker(clockEvery)
	defer ticker.Stop()
	var warned time.Time
	for {
		select {
		case <-ticker.C:
		case <-n.ctx.Done():
			return
		}
		l, _ := n.Leadership()
		if !l.Self || n.clock.behind() < time.Millisecond {
			continue
		}
		if n.checkClock(n.ctx, clockLimit) {
			n.cfg.ClockJumped()
		} else if time.Since(warned) > clockWarn {
			warned = time.Now()
			n.log.Warn("the wall clock is ahead of the cluster's time, and no majority of servers agrees with it",
				"ahead", n.clock.behind())
		}
	}
}

// startTime sets T for a new leader: not before the last one in the log, and
// the wall clock's if it is believed.
func (n *Node) startTime() {
	n.clock.seen(n.shard.Time())
	if n.clock.behind() > 0 {
		n.checkClock(n.ctx, clockAtStart)
	}
}

// checkClock asks the other voters for their wall clocks and lets T follow the
// own one if a majority agrees with it.
func (n *Node) checkClock(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answers := make(chan int64, 16)
	voters, asked := 0, 0
	for _, s := range n.servers() {
		if s.Suffrage != raft.Voter {
			continue
		}
		voters++
		if s.ID == n.id {
			continue
		}
		asked++
		n.work.Go(func() { answers <- n.difference(ctx, string(s.Address)) })
	}
	differ := make([]int64, 0, asked)
	for {
		if majority(differ, voters) {
			n.clock.agreed(n.clock.read())
			return true
		}
		if len(differ) == asked {
			return false
		}
		differ = append(differ, <-answers)
	}
}

// noAnswer stands for a wall clock that could not be read.
const noAnswer = int64(1) << 62

// difference is how far another node's wall clock is ahead of the own.
func (n *Node) difference(ctx context.Context, addr string) int64 {
	before := n.clock.read().wall
	b, err := n.cfg.Net.Call(ctx, addr, callClock, nil)
	after := n.clock.read().wall
	if err != nil || len(b) != 8 {
		return noAnswer
	}
	return int64(binary.BigEndian.Uint64(b)) - (before + (after-before)/2)
}

func (n *Node) serveClock(context.Context, []byte) ([]byte, error) {
	return binary.BigEndian.AppendUint64(nil, uint64(n.clock.read().wall)), nil
}
