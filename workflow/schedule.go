package workflow

import "github.com/windrow-dev/windrow/queue"

// ScheduleName is a schedule's name within its namespace.
type ScheduleName struct{ Namespace, Name string }

// ScheduleView is a schedule as a reader sees it.
type ScheduleView struct {
	ScheduleName
	Version   uint32
	Body      []byte // its definition, JSON; not to be changed
	CreatedAt int64  // T of this version
	Plan      []byte // the run of a tick, encoded; not to be changed
	Paused    bool
	// Ask is the run of the task that says when it is next due, if one does;
	// Wants says that it is to be asked, Asked that it was, and Asking that it
	// has not ended.
	Ask    []byte
	Wants  bool
	Asked  queue.ID
	Asking bool
	Next   int64 // the tick that it waits for, 0 for none
	// LastTick is the last one that has been dealt with, whatever became of it.
	LastTick int64
	LastRun  queue.ID // the last one that began, or zero
	Buffered int64    // a tick that waits for the end of LastRun, or 0
	Fired    uint64   // runs that began for ticks, or by hand
	Skipped  uint64   // ticks that overlap passed over
	Missed   uint64   // ticks that nobody was there for, and that were not made up for
	Failed   uint64   // ticks whose run could not begin
	// LastError is why, of the last one, until a run begins again.
	LastError string
}
