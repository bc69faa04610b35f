package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/frame"
)

// outcome makes what the child says of an attempt into what the queue knows.
func outcome(a *Attempt, r *frame.Result) queue.Outcome {
	o := queue.Outcome{
		Usage:   queue.Usage{WallNanos: r.Wall, CPUNanos: r.CPU, MemoryBytes: r.Memory},
		Log:     r.Tail,
		LogLen:  max(r.LogLen, int64(len(r.Tail))),
		Started: r.Started,
	}
	o.Finished = r.Started + r.Wall
	if len(r.Output) > frame.SoftFrame/2 {
		o.Log = bytes.Clone(o.Log) // or it would keep all that came with it
	}
	if r.Exit != frame.ExitOK {
		o.Error = failure(a, r)
		return o
	}
	if len(r.Asks) > 0 {
		children, wait, err := readAsks(r.Asks, r.Started)
		if err != nil {
			o.Error = &queue.Error{Type: queue.ErrInvalidOutput, Message: "what the attempt asks for cannot be read: " + err.Error()}
			return o
		}
		o.Children, o.Defer = children, wait
	}
	result, err := render(a.Output, r.Output, a.maxOutput())
	if err != nil {
		o.Children, o.Defer = nil, nil
	}
	if errors.Is(err, errLong) {
		o.Error = tooLong(a)
		return o
	}
	if err != nil {
		o.Error = &queue.Error{Type: queue.ErrInvalidOutput, Message: err.Error()}
		return o
	}
	if len(result) < len(r.Output)/2 {
		result = bytes.Clone(result) // the rest was blanks, and need not be kept
	}
	if o.OK = true; o.Defer == nil {
		o.Result = result
	}
	return o
}

// failure names the error.
func failure(a *Attempt, r *frame.Result) *queue.Error {
	msg := text(r.Message)
	switch r.Exit {
	case frame.ExitCode:
		return &queue.Error{Type: queue.ErrExitCode, ExitCode: r.Code, Message: "the guest ended with code " + strconv.Itoa(int(r.Code))}
	case frame.ExitStack:
		return &queue.Error{Type: queue.ErrStackOverflow, Message: "the guest's calls went too deep"}
	case frame.ExitMemory:
		return &queue.Error{Type: queue.ErrOutOfMemory, Message: fmt.Sprintf("the guest needed more than its %s of memory", size(a.memory())), Trace: text(r.Trace)}
	case frame.ExitOutput:
		return tooLong(a)
	case frame.ExitSoft:
		return &queue.Error{Type: queue.ErrSoftTimeout, Message: fmt.Sprintf("the guest stopped after its soft timeout of %s", a.SoftTimeout), Trace: text(r.Trace)}
	case frame.ExitUnavailable:
		return &queue.Error{Type: queue.ErrUnavailable, Message: msg}
	case frame.ExitFail:
		return guestFailure(r.Message)
	default:
		return &queue.Error{Type: queue.ErrTrap, Message: msg, Trace: text(r.Trace)}
	}
}

func tooLong(a *Attempt) *queue.Error {
	return &queue.Error{Type: queue.ErrOutputTooLarge, Message: fmt.Sprintf("the guest's output is more than %s, as JSON", size(a.maxOutput()))}
}

// isTypeName reports whether a guest may call its error so.
func isTypeName(s string) bool {
	first := s != "" && s[0] != '.' && s[0] != '-' && (s[0] < '0' || s[0] > '9')
	return first && isName(s, 64, "_.-")
}

// isName reports whether a text is short and all of ASCII letters, digits and
// the others given. No regular expression: compiling one would be the most
// expensive part of the package's start, in every child too.
func isName(s string, longest int, others string) bool {
	if len(s) == 0 || len(s) > longest {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(others, c) >= 0:
		default:
			return false
		}
	}
	return true
}

const (
	// guestType is the type of a failure to which the guest gave no usable one.
	guestType = "error"
	// reservedType is that of a failure to which the guest gave one of ours.
	reservedType = "reserved_type"
)

// reserved are the types by which the queue and the host say what they know. A
// guest that could say them would end its own task as revoked, or have people
// look for a worker that was never lost. Fatal is the guest's to say.
var reserved = map[string]bool{
	queue.ErrExitCode: true, queue.ErrTrap: true, queue.ErrTimeout: true, queue.ErrSoftTimeout: true,
	queue.ErrOutOfMemory: true, queue.ErrStackOverflow: true, queue.ErrOutputTooLarge: true,
	queue.ErrInputTooLarge: true, queue.ErrInputDamaged: true, queue.ErrInvalidOutput: true, queue.ErrExpression: true,
	queue.ErrCrashed: true, queue.ErrWorkerLost: true, queue.ErrExpired: true, queue.ErrRevoked: true,
	queue.ErrDependency: true, queue.ErrUnavailable: true,
}

// guestFailure reads what a guest said by FAIL. Whatever is wrong with it, the
// attempt has failed; as much as can be read is kept.
func guestFailure(b []byte) *queue.Error {
	var f struct {
		Type    string          `json:"type"`
		Message string          `json:"message"`
		Trace   string          `json:"trace"`
		Retry   *bool           `json:"retry"`
		After   json.RawMessage `json:"after"`
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return &queue.Error{Type: guestType, Message: text(b)}
	}
	if !isTypeName(f.Type) {
		f.Type = guestType
	}
	message := text([]byte(f.Message))
	if reserved[f.Type] {
		message = fmt.Sprintf("the guest failed with the type %q, which only the host may give: %s", f.Type, message)
		f.Type = reservedType
	}
	return &queue.Error{Type: f.Type, Message: message, Trace: text([]byte(f.Trace)), Retry: f.Retry, After: after(f.After)}
}

// maxAfter bounds the delay that a guest may ask for.
const maxAfter = 30 * 24 * time.Hour

// after reads a duration: "90s", or a number of seconds. What is neither is no
// delay.
func after(raw json.RawMessage) int64 {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0
		}
		return int64(min(max(d, 0), maxAfter))
	}
	var n float64
	if json.Unmarshal(raw, &n) != nil || !(n > 0) {
		return 0
	}
	return int64(min(n, maxAfter.Seconds()) * float64(time.Second))
}

// errLong says that a result is longer than it may be. Text grows when it is
// quoted.
var errLong = errors.New("the result is too long")

// render makes the guest's output the one JSON text that a result is, of most
// bytes.
func render(mode string, out []byte, most int64) ([]byte, error) {
	if !utf8.Valid(out) {
		return nil, fmt.Errorf("the output is not UTF-8")
	}
	body := bytes.TrimSpace(out)
	switch mode {
	case OutputText:
	case OutputJSON:
		if len(body) == 0 {
			return nil, nil
		}
		if !json.Valid(body) {
			return nil, fmt.Errorf("the output is not one JSON text")
		}
		return body, nil
	default:
		if len(body) > 0 && json.Valid(body) {
			return body, nil
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return quote(bytes.TrimSuffix(out, []byte{'\n'}), most)
}

// quotePiece is how much of a text is quoted at a time: all at once, there
// would be several copies of it.
const quotePiece = 64 << 10

// quote makes a JSON string of UTF-8 text, as it stands: no HTML is escaped.
func quote(b []byte, most int64) ([]byte, error) {
	out := make([]byte, 0, min(int64(len(b)+len(b)/32+16), most))
	out = append(out, '"')
	var piece bytes.Buffer
	enc := json.NewEncoder(&piece)
	enc.SetEscapeHTML(false)
	for len(b) > 0 {
		n := min(len(b), quotePiece)
		for n < len(b) && !utf8.RuneStart(b[n]) {
			n--
		}
		piece.Reset()
		if err := enc.Encode(string(b[:n])); err != nil {
			return nil, err
		}
		b = b[n:]
		said := piece.Bytes()
		said = said[1 : len(said)-2] // without quotes and newline
		if int64(len(out)+len(said)) >= most {
			return nil, errLong
		}
		out = append(out, said...)
	}
	return append(out, '"'), nil
}

// text makes a guest's bytes a string that can be shown and stored.
func text(b []byte) string { return string(bytes.ToValidUTF8(b, []byte("\uFFFD"))) }

// size is a number of bytes for people.
func size(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return strconv.FormatInt(n>>20, 10) + " MiB"
	}
	return strconv.FormatInt(n, 10) + " bytes"
}

func or[T int64 | time.Duration](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}

func (a *Attempt) timeout() time.Duration { return or(a.Timeout, DefaultTimeout) }
func (a *Attempt) maxOutput() int64       { return min(or(a.MaxOutput, DefaultMaxOutput), DefaultMaxOutput) }
func (a *Attempt) maxLog() int64          { return or(a.MaxLog, DefaultMaxLog) }
func (a *Attempt) memory() int64          { return min(or(a.MemoryLimit, DefaultMemoryLimit), MaxMemoryLimit) }
