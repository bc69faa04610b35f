package sandbox

import (
	"errors"
	"io"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// errOutput stops a guest that writes more than it may. It is thrown through
// wazero, which hands it to the caller of the guest.
var errOutput = errors.New("more output than allowed")

// input is the guest's stdin.
type input struct {
	b []byte
}

func (in *input) Read(p []byte) (int, error) {
	if len(in.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, in.b)
	in.b = in.b[n:]
	return n, nil
}

// output collects what is the result: stdout of a command, OUTPUT of a reactor.
// An error here would be an errno in the guest, which may try again for ever;
// so too much ends the guest at once.
type output struct {
	b   []byte
	max int64
	// log takes a reactor's stdout, which is not its result.
	log *log
}

// keepOutput is the largest buffer that is kept for the next attempt, bytes.
const keepOutput = 1 << 20

func (o *output) reset(max int64, log *log) {
	if cap(o.b) > keepOutput {
		o.b = nil
	}
	o.b, o.max, o.log = o.b[:0], max, log
}

func (o *output) Write(p []byte) (int, error) {
	if o.log != nil {
		return o.log.Write(p)
	}
	if int64(len(o.b))+int64(len(p)) > o.max {
		panic(errOutput)
	}
	o.b = append(o.b, p...)
	return len(p), nil
}

// set replaces what was collected.
func (o *output) set(p []byte) {
	if int64(len(p)) > o.max {
		panic(errOutput)
	}
	o.b = append(o.b[:0], p...)
}

// log takes the guest's stderr and LOG: the last of it for the result, and
// chunks for whoever follows. Past the limit it is only counted; a guest is
// never failed for talking.
type log struct {
	total  int64
	max    int64
	stream func([]byte) // nil when nobody follows
	// tail holds the last bytes written, at most twice what is told of it, so
	// that it moves seldom.
	tail []byte
}

func (l *log) reset(max int64, stream func([]byte)) {
	l.total, l.max, l.stream, l.tail = 0, max, stream, l.tail[:0]
}

func (l *log) Write(p []byte) (int, error) {
	if l.stream != nil && l.total < l.max {
		l.stream(p[:min(int64(len(p)), l.max-l.total)])
	}
	l.total += int64(len(p))
	keep := p[max(0, len(p)-frame.MaxTail):]
	if len(l.tail)+len(keep) > 2*frame.MaxTail {
		old := max(0, frame.MaxTail-len(keep))
		l.tail = append(l.tail[:0], l.tail[len(l.tail)-old:]...)
	}
	l.tail = append(l.tail, keep...)
	return len(p), nil
}

// last is the end of the log.
func (l *log) last() []byte { return l.tail[max(0, len(l.tail)-frame.MaxTail):] }
