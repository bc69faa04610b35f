package journal

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

// ID is an event's place: the log entry and its number within it. It is equal
// on every node, so that a client may go on at another one.
type ID struct {
	Index uint64
	N     uint32
}

// String is INDEX-N, as users see it.
func (i ID) String() string { return fmt.Sprintf("%d-%d", i.Index, i.N) }

// ParseID is the inverse of String.
func ParseID(s string) (ID, error) {
	index, n, ok := strings.Cut(s, "-")
	a, err := strconv.ParseUint(index, 10, 64)
	b, err2 := strconv.ParseUint(n, 10, 32)
	if !ok || err != nil || err2 != nil {
		return ID{}, fmt.Errorf("an event's id is INDEX-N such as 42-0, not %q", s)
	}
	return ID{a, uint32(b)}, nil
}

// after reports whether i comes after o.
func (i ID) after(o ID) bool { return i.Index > o.Index || i.Index == o.Index && i.N > o.N }

// Event is one committed transition.
type Event struct {
	ID   ID
	Time int64 // T of the entry, unix nanoseconds
	state.Move
}

// Of a move beside the task itself.
const (
	moveInRun = 1 << iota
	moveRun
	moveSchedule
	moveShadow
)

// batch is the events of one entry, as they lie in a segment.
type batch struct {
	index uint64
	time  int64
	moves []state.Move
}

func (b *batch) append(dst []byte) []byte {
	w := command.NewWriter(dst)
	w.Uint(b.index)
	w.Int(b.time)
	w.Uint(uint64(len(b.moves)))
	for i := range b.moves {
		m := &b.moves[i]
		w.ID(m.ID)
		w.String(m.Namespace)
		w.String(m.Queue)
		w.String(m.Task)
		w.Byte(byte(m.To))
		w.Uint(uint64(m.Attempt))
		w.String(m.Error)
		var flags byte
		if m.InRun {
			flags |= moveInRun
		}
		if m.Run {
			flags |= moveRun
		}
		if m.Schedule != 0 {
			flags |= moveSchedule
		}
		if m.Shadow != "" {
			flags |= moveShadow
		}
		w.Byte(flags)
		if m.Shadow != "" {
			w.String(m.Shadow)
		}
		if m.Schedule != 0 {
			w.Byte(byte(m.Schedule))
		}
	}
	return w.Done()
}

func decodeBatch(raw []byte) (batch, error) {
	r := command.NewReader(raw)
	b := batch{index: r.Uint(), time: r.Int()}
	b.moves = make([]state.Move, r.Count(22))
	for i := range b.moves {
		m := &b.moves[i]
		m.ID, m.Namespace, m.Queue, m.Task = r.ID(), r.String(), r.String(), r.String()
		m.To, m.Attempt, m.Error = queue.State(r.Byte()), r.Uint32(), r.String()
		flags := r.Byte()
		m.InRun, m.Run = flags&moveInRun != 0, flags&moveRun != 0
		if flags&moveShadow != 0 {
			m.Shadow = r.String()
		}
		if flags&moveSchedule != 0 {
			m.Schedule = state.ScheduleEvent(r.Byte())
		}
	}
	if r.More() {
		r.Fail()
	}
	return b, r.Err("batch of events")
}

// each calls fn for the events after an id, until it returns false.
func (b *batch) each(after ID, fn func(*Event) bool) bool {
	for n := range b.moves {
		e := Event{ID: ID{b.index, uint32(n)}, Time: b.time, Move: b.moves[n]}
		if e.ID.after(after) && !fn(&e) {
			return false
		}
	}
	return true
}
