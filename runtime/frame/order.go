package frame

import "encoding/binary"

// Longest texts in a message, bytes.
const (
	maxTask   = 512
	maxLayers = 32
)

// Load is the first thing a parent says: what the child is for.
type Load struct {
	Reactor bool
	// Memory is how much linear memory to keep ready, bytes: the limit of the
	// attempts to come. An attempt with a higher one still gets it.
	Memory int64
	// Slack is how much the process may map beyond what it has mapped when the
	// module is loaded and beyond the linear memory, bytes; 0 sets no limit.
	Slack int64
	// Probe asks for no module: the child says which layers hold, and ends.
	Probe bool
}

// Append adds the message to a frame.
func (l *Load) Append(b []byte) []byte {
	var flags byte
	if l.Reactor {
		flags |= 1
	}
	if l.Probe {
		flags |= 2
	}
	b = append(b, flags)
	b = appendInt(b, l.Memory)
	return appendInt(b, l.Slack)
}

// DecodeLoad reads what Append wrote.
func DecodeLoad(b []byte) (Load, error) {
	d := decoder{b: b}
	flags := d.byte("load flags")
	if flags > 3 {
		d.fail("load flags")
	}
	l := Load{Reactor: flags&1 != 0, Probe: flags&2 != 0}
	l.Memory = d.int("load memory")
	l.Slack = d.int("load slack")
	return l, d.end()
}

// Attempt is one attempt to make.
type Attempt struct {
	// Seq numbers the attempts sent to one child, from 1 and without gaps.
	Seq uint64
	// Task is the name the guest sees, without the module's.
	Task   string
	ID     [16]byte
	Number int64 // 1 is the first attempt
	// Input is what a command reads from stdin; for a reactor, the JSON object
	// {args, kwargs, input} that the envelope is made of.
	Input []byte
	// Timeout and Soft are nanoseconds from the beginning; Soft 0 is none.
	// The child only tells them to the guest: the parent holds the deadline.
	Timeout, Soft int64
	Memory        int64 // limit of the linear memory, bytes
	MaxOutput     int64 // bytes
	MaxLog        int64 // bytes that are passed on; more are only counted
	Describe      bool  // call windrow_describe in place of the task
	StreamLog     bool  // send chunks of the log as they come
	Progress      bool  // send progress as it comes
	Flush         bool  // send the result before the next attempt begins
}

const (
	flagDescribe = 1 << iota
	flagStreamLog
	flagProgress
	flagFlush
	flagsEnd
)

// Size is an upper bound of what Append adds.
func (a *Attempt) Size() int { return len(a.Input) + len(a.Task) + 128 }

// Append adds the attempt to a frame of kind KindAttempts.
func (a *Attempt) Append(b []byte) []byte {
	var flags byte
	for i, on := range [...]bool{a.Describe, a.StreamLog, a.Progress, a.Flush} {
		if on {
			flags |= 1 << i
		}
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, a.Seq)
	b = append(b, a.ID[:]...)
	b = appendBytes(b, a.Task)
	for _, v := range [...]int64{a.Number, a.Timeout, a.Soft, a.Memory, a.MaxOutput, a.MaxLog} {
		b = appendInt(b, v)
	}
	return appendBytes(b, a.Input)
}

// DecodeAttempts reads a frame's attempts into to, which it reuses. Inputs
// alias the payload.
func DecodeAttempts(b []byte, to []Attempt) ([]Attempt, error) {
	d := decoder{b: b}
	to = to[:0]
	for len(d.b) > 0 {
		if len(to) == MaxAttempts {
			d.fail("too many attempts")
			break
		}
		flags := d.byte("attempt flags")
		if flags >= flagsEnd {
			d.fail("attempt flags")
		}
		a := Attempt{
			Describe: flags&flagDescribe != 0, StreamLog: flags&flagStreamLog != 0,
			Progress: flags&flagProgress != 0, Flush: flags&flagFlush != 0,
		}
		a.Seq = d.uint("attempt seq")
		d.fixed("attempt id", a.ID[:])
		a.Task = string(d.bytes("attempt task", maxTask))
		for _, v := range [...]*int64{&a.Number, &a.Timeout, &a.Soft, &a.Memory, &a.MaxOutput, &a.MaxLog} {
			*v = d.int("attempt number")
		}
		a.Input = d.bytes("attempt input", MaxFrame)
		to = append(to, a)
	}
	return to, d.end()
}
