package match

import (
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/heap"
	"github.com/windrow-dev/windrow/queue/limit"
)

// Ageing is how much longer a task must have waited to go before one of the
// next higher priority, nanoseconds. Since every task ages alike, the order of
// two tasks never changes and can be a fixed rank.
const Ageing = int64(60e9)

// Where says where an item is; it is stored with the task, so that a rebuilt
// index stands as the old one did.
type Where uint8

// The places of an item.
const (
	Out    Where = iota // not waiting for a slot
	Ready               // in its queue's line
	Parked              // waits for the limiter By
)

// Item is a task's place in the index. The state machine embeds one in each
// task and keeps the fields in capitals.
type Item struct {
	Owner any    // what the item stands for
	Seq   uint64 // order of acceptance; ties of rank
	Rank  int64  // smaller goes first: RankOf
	Line  *Line
	Claim *limit.Claim // nil: no limits
	flow  *Flow
	pos   int32
	Where Where
	By    limit.Kind // the limiter that parked it
	From  limit.Kind // the limiter that called it back and awaits its answer
}

// RankOf turns priority and the time of readiness into a rank.
func RankOf(ready int64, priority uint8) int64 { return ready - int64(priority)*Ageing }

// Before is the order of tasks of one fairness key.
func (i *Item) Before(o *Item) bool {
	if i.Rank != o.Rank {
		return i.Rank < o.Rank
	}
	return i.Seq < o.Seq
}

// Limits reports whether the item may not be prefetched: what holds a limit
// must run, not wait at a worker.
func (i *Item) limits() bool { return i.Claim != nil || i.Line.rate.Rate.N > 0 }

func itemPlace(i *Item) *int32 { return &i.pos }

func newItemHeap() heap.Heap[*Item] {
	return heap.New((*Item).Before, itemPlace)
}

// Session is a worker's open session as the index sees it.
type Session struct {
	ID                queue.Fence
	Running, Prefetch uint32
	Outstanding       uint32
	Held              bool
	class             *Class
	pos               int32
}

// free is how many more assignments the session takes.
func (s *Session) free() int64 {
	if s.Held {
		return 0
	}
	return int64(s.Running) + int64(s.Prefetch) - int64(s.Outstanding)
}

// slots is how many more it takes that must run at once.
func (s *Session) slots() int64 {
	if s.Held {
		return 0
	}
	return int64(s.Running) - int64(s.Outstanding)
}
