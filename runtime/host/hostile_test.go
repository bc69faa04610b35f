package host

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/frame"
)

// hostileChild is a sandbox that a guest has taken over: it speaks the
// protocol until it is loaded, and then does what the script says.
func hostileChild(script string) int {
	r := frame.NewReader(os.NewFile(frame.FDOrders, "orders"), true)
	out := os.NewFile(frame.FDAnswers, "answers")
	page, err := frame.MapPage(frame.FDPage)
	if err != nil {
		return 9
	}
	_, body, err := r.Next(frame.MaxFrame)
	load, lerr := frame.DecodeLoad(body)
	if err != nil || lerr != nil {
		return 9
	}
	if !load.Probe && script == "die" {
		fmt.Fprintln(os.Stderr, "cannot go on")
		return 3
	}
	h := hostile{r: r, out: out, page: page}
	if script != "early" || load.Probe {
		h.send(frame.KindReady, (&frame.Ready{}).Append)
	}
	if load.Probe {
		return 0
	}
	_, body, err = r.Next(frame.MaxFrame)
	attempts, aerr := frame.DecodeAttempts(body, nil)
	if err != nil || aerr != nil {
		return 9
	}
	h.play(script, attempts)
	return 4
}

type hostile struct {
	r    *frame.Reader
	out  *os.File
	page *frame.Page
}

func (h *hostile) send(k frame.Kind, body func([]byte) []byte) {
	h.write(frame.End(body(frame.Begin(nil, k))))
}

func (h *hostile) write(b []byte) {
	_, _ = h.out.Write(b) // a parent that has hung up kills this process next
}

func (h *hostile) answer(results ...frame.Result) {
	h.send(frame.KindAnswers, func(b []byte) []byte {
		for _, r := range results {
			b = r.Append(b)
		}
		return b
	})
}

func (h *hostile) play(script string, attempts []frame.Attempt) {
	ok := frame.Result{Seq: 1, Exit: frame.ExitOK, Output: []byte("1")}
	word, rest, _ := strings.Cut(script, " ")
	switch word {
	case "garbage":
		h.write([]byte("what is this?"))
	case "kind":
		h.send(77, func(b []byte) []byte { return b })
	case "huge":
		h.write([]byte{0xff, 0xff, 0xff, 0x03, byte(frame.KindAnswers)})
	case "seq":
		ok.Seq = 99
		h.answer(ok)
	case "twice":
		h.answer(ok, ok)
	case "early":
		h.answer(ok)
	case "skip":
		ok.Exit = frame.ExitSkipped
		h.answer(ok)
	case "long":
		ok.Output = make([]byte, 2000)
		h.answer(ok)
	case "unasked":
		h.send(frame.KindAnswers, (&frame.Chunk{Seq: 1, Data: []byte("x")}).AppendLog)
	case "flood":
		for {
			h.send(frame.KindAnswers, (&frame.Chunk{Seq: 1, Data: make([]byte, 60000)}).AppendLog)
		}
	case "chatter": // a long frame that no attempt ends with
		h.send(frame.KindAnswers, func(b []byte) []byte {
			for range 10 {
				b = (&frame.Chunk{Seq: 1, Data: make([]byte, 60000)}).AppendProgress(b)
			}
			return b
		})
	case "stall": // the head of a long frame, and no more
		h.page.Begin(1, frame.Now())
		h.write([]byte{0, 0, 0x20, 0, byte(frame.KindAnswers)})
	case "future":
		h.page.Begin(1<<40, frame.Now())
	case "late": // says again and again that it has only just begun
		for range time.Tick(time.Millisecond) {
			h.page.Begin(1, frame.Now()+int64(time.Hour))
		}
	case "crash":
		h.page.Begin(1, frame.Now())
		os.Exit(3)
	case "memory":
		h.page.Begin(1, frame.Now())
		fmt.Fprintln(os.Stderr, "fatal error: runtime: out of memory")
		os.Exit(2)
	case "random":
		seed, _ := strconv.ParseUint(rest, 10, 64)
		h.random(rand.New(rand.NewPCG(seed, 1)), attempts)
		return
	}
	<-time.After(time.Hour)
}

// random sends frames that are nearly right.
func (h *hostile) random(r *rand.Rand, attempts []frame.Attempt) {
	for i := range attempts {
		if r.IntN(2) == 0 {
			h.page.Begin(uint64(r.IntN(len(attempts)+2)), frame.Now()-int64(r.IntN(1e9)))
		}
		res := frame.Result{
			Seq: uint64(i + 1), Exit: frame.Exit(1 + r.IntN(10)), Output: []byte(`"x"`), Message: []byte(`{"type":5`),
			Wall: r.Int64(), CPU: r.Int64(), Memory: r.Int64(), Started: r.Int64(), LogLen: r.Int64(),
		}
		b := frame.End(res.Append(frame.Begin(nil, frame.KindAnswers)))
		for range r.IntN(3) {
			switch r.IntN(3) {
			case 0:
				b[r.IntN(len(b))] ^= byte(1 << r.IntN(8))
			case 1:
				b = b[:r.IntN(len(b)+1)]
				b = append(b, 0)
			case 2:
				b = slices.Insert(b, r.IntN(len(b)), byte(r.Uint32()))
			}
		}
		h.write(b)
	}
}

func hostileHost(t *testing.T, script string) *Host {
	return newHost(t, func(c *Config) {
		// This binary, whatever real children are started from.
		c.Executable, _ = os.Executable()
		c.SandboxArgs = []string{"hostile-child", script}
		c.patience = time.Second
		c.Logger = nil
	})
}

func TestHostileChild(t *testing.T) {
	for _, c := range []struct{ script, want string }{
		{"garbage", queue.ErrCrashed}, {"kind", queue.ErrCrashed}, {"huge", queue.ErrCrashed}, {"seq", queue.ErrCrashed},
		{"skip", queue.ErrCrashed}, {"long", queue.ErrCrashed}, {"unasked", queue.ErrCrashed}, {"future", queue.ErrCrashed},
		{"late", queue.ErrTimeout}, {"crash", queue.ErrCrashed}, {"memory", queue.ErrOutOfMemory}, {"nothing", queue.ErrCrashed},
		{"stall", queue.ErrCrashed}, {"chatter", queue.ErrCrashed},
		{"early", queue.ErrUnavailable}, {"die", queue.ErrUnavailable},
	} {
		t.Run(c.script, func(t *testing.T) {
			h := hostileHost(t, c.script)
			a := within(200*time.Millisecond, attempt(guest(t, "tiny", KindCommand), "x"))
			a.MaxOutput = 1000
			r := await(t, submit(h, a))
			if r.Outcome.Error == nil || r.Outcome.Error.Type != c.want {
				t.Errorf("%+v", r.Outcome.Error)
			}
		})
	}
	t.Run("twice", func(t *testing.T) {
		// The first answer counts; the second costs the child its life.
		h := hostileHost(t, "twice")
		for range 2 {
			if o := run(t, h, attempt(guest(t, "tiny", KindCommand), "x")); !o.OK {
				t.Errorf("%+v", o.Error)
			}
		}
	})
	t.Run("flood", func(t *testing.T) {
		h := hostileHost(t, "flood")
		a := attempt(guest(t, "tiny", KindCommand), "x")
		got := 0
		a.OnLog = func(b []byte) { got += len(b) }
		if r := await(t, submit(h, a)); r.Outcome.Error == nil || r.Outcome.Error.Type != queue.ErrCrashed {
			t.Errorf("%+v", r.Outcome.Error)
		}
		if got > startTries*DefaultMaxLog {
			t.Errorf("%d bytes of log were passed on", got)
		}
	})
}

// Whatever a child sends, every attempt ends once, and the host goes on.
func TestHostileFrames(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 5
	}
	m := guest(t, "tiny", KindCommand)
	for seed := range seeds {
		h := hostileHost(t, "random "+strconv.Itoa(seed))
		var results []<-chan Result
		for range 5 {
			a := within(50*time.Millisecond, attempt(m, "x"))
			a.OnLog = func([]byte) {}
			results = append(results, submit(h, a))
		}
		for i, c := range results {
			r := await(t, c)
			if r.Outcome.OK && string(r.Outcome.Result) != `"x"` && len(r.Outcome.Result) > 100 {
				t.Errorf("seed %d, %d: %s", seed, i, r.Outcome.Result)
			}
			if !r.Outcome.OK && r.Outcome.Error == nil {
				t.Errorf("seed %d, %d: neither result nor error", seed, i)
			}
		}
	}
}
