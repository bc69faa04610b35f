package host

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// within makes an attempt with a timeout.
func within(d time.Duration, a *Attempt) *Attempt {
	a.Timeout = d
	return a
}

// A guest that never returns is killed at its deadline, whatever it does.
func TestTimeout(t *testing.T) {
	h := newHost(t)
	for _, a := range []*Attempt{
		attempt(guest(t, "acts", KindCommand), "spin"),
		attempt(guest(t, "calls", KindCommand), ""),
		attempt(guest(t, "acts", KindCommand), "sleep 100000"),
		call(guest(t, "react", KindReactor), "spin", "{}"),
	} {
		o := run(t, h, within(100*time.Millisecond, a))
		if o.OK || o.Error.Type != queue.ErrTimeout {
			t.Errorf("%s %q: %+v", a.Module.Path, a.Input, o.Error)
		}
		if o.Usage.WallNanos < int64(a.Timeout) {
			t.Errorf("%s %q: killed after %s", a.Module.Path, a.Input, time.Duration(o.Usage.WallNanos))
		}
		if o := run(t, h, attempt(guest(t, "acts", KindCommand), "count")); !o.OK {
			t.Errorf("after it: %+v", o.Error)
		}
	}
}

// The deadline's clock starts when an attempt begins: waiting costs nothing,
// and the neighbours of one that is killed all run.
func TestNeighbours(t *testing.T) {
	h := newHost(t, func(c *Config) { c.Concurrency = 1 })
	m := guest(t, "acts", KindCommand)
	run(t, h, attempt(m, "count"))
	for range 100 { // so that many are sent ahead
		run(t, h, attempt(m, "count"))
	}
	var results []<-chan Result
	for i := range 40 {
		a := within(150*time.Millisecond, attempt(m, "count"))
		if i%10 == 3 {
			a.Input = []byte("spin")
		}
		results = append(results, submit(h, a))
	}
	for i, c := range results {
		r := await(t, c)
		switch {
		case i%10 == 3:
			if r.Outcome.OK || r.Outcome.Error.Type != queue.ErrTimeout {
				t.Errorf("%d: %+v", i, r.Outcome.Error)
			}
		case !r.Outcome.OK || string(r.Outcome.Result) != "1":
			t.Errorf("%d: a neighbour got %+v", i, r.Outcome.Error)
		}
	}
}

// Guests that burn every core stop neither other guests nor the node.
func TestBusyGuests(t *testing.T) {
	h := newHost(t)
	spin, quick := guest(t, "calls", KindCommand), guest(t, "acts", KindCommand)
	var spinning []<-chan Result
	for range 3 {
		spinning = append(spinning, submit(h, within(time.Hour, attempt(spin, ""))))
	}
	for range 5 {
		if o := run(t, h, attempt(quick, "count")); !o.OK {
			t.Fatalf("%+v", o.Error)
		}
	}
	h.KillAll(queue.ErrRevoked)
	for _, c := range spinning {
		if r := await(t, c); r.Outcome.OK || r.Outcome.Error.Type != queue.ErrRevoked {
			t.Errorf("%+v", r.Outcome.Error)
		}
	}
}

// A table is a gigabyte that no memory limit of Wasm covers.
func TestTableGrow(t *testing.T) {
	h := newHost(t)
	o := run(t, h, attempt(guest(t, "table", KindCommand), ""))
	if o.OK || o.Error.Type != queue.ErrOutOfMemory {
		t.Errorf("%+v", o.Error)
	}
}

func TestUnusableModules(t *testing.T) {
	h := newHost(t)
	for _, c := range []struct {
		m         Module
		want      string
		elsewhere bool
	}{
		{guest(t, "foreign", KindCommand), queue.ErrUnavailable, false},
		{guest(t, "start", KindCommand), queue.ErrTrap, false},
		{Module{Digest: "none", Path: "testdata/nonesuch.wasm", Kind: KindCommand}, queue.ErrUnavailable, true},
		{Module{Digest: "text", Path: "testdata/acts.c", Kind: KindCommand}, queue.ErrUnavailable, false},
		{Module{Digest: "../x", Path: "testdata/acts.wasm", Kind: KindCommand}, queue.ErrUnavailable, false},
	} {
		r := await(t, submit(h, attempt(c.m, "")))
		o := r.Outcome
		if o.OK || o.Error.Type != c.want || o.Error.Message == "" || r.Elsewhere != c.elsewhere {
			t.Errorf("%+v: elsewhere %v, %+v", c.m, r.Elsewhere, o.Error)
		}
		t.Logf("%s: %s", c.m.Path, o.Error.Message)
	}
}

// What a node lacks to compile, another may have; what the compiler refuses,
// all refuse.
func TestCompileFaultOfTheNode(t *testing.T) {
	m := guest(t, "acts", KindCommand)
	for name, spoil := range map[string]func(*Host) error{
		"no cache folder": func(h *Host) error { return os.RemoveAll(h.cfg.CacheDir) },
		"no executable":   func(h *Host) error { h.cfg.CompileArgs = []string{"hostile-child", "die"}; return nil },
		"no time":         func(h *Host) error { h.cfg.CompileTimeout = time.Nanosecond; return nil },
	} {
		h := newHost(t)
		if err := spoil(h); err != nil {
			t.Fatal(err)
		}
		r := await(t, submit(h, attempt(m, "count")))
		if r.Began || !r.Elsewhere || r.Outcome.Error == nil || r.Outcome.Error.Type != queue.ErrUnavailable {
			t.Errorf("%s: %+v, %+v", name, r, r.Outcome.Error)
		}
	}
}

// A cache that is broken, or another version's, is made anew.
func TestBrokenCache(t *testing.T) {
	for name, damage := range map[string]func(file string) error{
		"cut":     func(f string) error { return os.Truncate(f, 100) },
		"renamed": func(f string) error { return os.Rename(f, f[:len(f)-4]+"0000") },
		"gone":    os.Remove,
		"garbage": func(f string) error { return os.WriteFile(f, []byte("what is this?"), 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			m := guest(t, "acts", KindCommand)
			if err := h.Compile(context.Background(), m); err != nil {
				t.Fatal(err)
			}
			file := cached(t, h, m)
			if err := os.Chmod(file, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := damage(file); err != nil {
				t.Fatal(err)
			}
			if o := run(t, h, attempt(m, "count")); !o.OK {
				t.Errorf("%+v", o.Error)
			}
			if o := run(t, h, attempt(m, "count")); !o.OK {
				t.Errorf("%+v", o.Error)
			}
			cached(t, h, m) // it is whole again
		})
	}
}

func TestKill(t *testing.T) {
	h := newHost(t, func(c *Config) { c.Concurrency = 1 })
	m := guest(t, "acts", KindCommand)
	running, waiting, other := attempt(m, "spin"), attempt(m, "count"), attempt(m, "count")
	first := submit(h, running)
	untilBegun(t, h)
	second, third := submit(h, waiting), submit(h, other)
	h.Kill(waiting.ID, queue.ErrRevoked)
	if r := await(t, second); r.Began || r.Outcome.Error == nil || r.Outcome.Error.Type != queue.ErrRevoked {
		t.Errorf("the one that waits: %+v", r)
	}
	h.Kill(running.ID, queue.ErrRevoked)
	if r := await(t, first); !r.Began || r.Outcome.Error == nil || r.Outcome.Error.Type != queue.ErrRevoked {
		t.Errorf("the one that runs: %+v", r)
	}
	if r := await(t, third); !r.Outcome.OK {
		t.Errorf("the other: %+v", r.Outcome.Error)
	}
	h.Kill(other.ID, queue.ErrRevoked) // nothing is left to kill
	if o := run(t, h, attempt(m, "count")); !o.OK {
		t.Errorf("after all: %+v", o.Error)
	}
}

// Dropping one that waits leaves its neighbours where they are, whether the
// host has it still or the child has it already; one that runs goes on.
func TestDrop(t *testing.T) {
	h := newHost(t, func(c *Config) { c.Concurrency = 1 })
	m := guest(t, "acts", KindCommand)
	for range 100 { // so that many are sent ahead
		run(t, h, attempt(m, "count"))
	}
	for range 5 {
		running := attempt(m, "sleep 100")
		first := submit(h, running)
		var waiting []<-chan Result
		var ids []queue.ID
		for range 3 {
			a := attempt(m, "count")
			waiting, ids = append(waiting, submit(h, a)), append(ids, a.ID)
		}
		untilBegun(t, h)
		h.Drop(ids[1])
		h.Drop(running.ID)
		if r := await(t, waiting[1]); r.Began || r.Outcome.Error != nil {
			t.Fatalf("the dropped one: %+v", r)
		}
		for _, c := range []<-chan Result{first, waiting[0], waiting[2]} {
			if r := await(t, c); !r.Outcome.OK {
				t.Fatalf("a neighbour: %+v", r)
			}
		}
	}
}

// What runs for longer than a look is heard to begin, and when.
func TestOnBegin(t *testing.T) {
	h := newHost(t)
	a := attempt(guest(t, "acts", KindCommand), "sleep 100")
	began := make(chan time.Time, 10)
	a.OnBegin = func(at time.Time) { began <- at }
	before := time.Now()
	o := run(t, h, a)
	after := time.Now()
	if !o.OK || len(began) != 1 {
		t.Fatalf("%d beginnings, %+v", len(began), o.Error)
	}
	if at := <-began; at.Before(before) || after.Sub(at) < 100*time.Millisecond || at.UnixNano()-o.Started > int64(time.Second) {
		t.Errorf("began at %s, the child says %s", at, time.Unix(0, o.Started))
	}
}

// peek runs f in the loop.
type peek struct {
	f    func(*loop)
	done chan struct{}
}

func (p peek) apply(l *loop) {
	p.f(l)
	close(p.done)
}

func look(h *Host, f func(*loop)) {
	p := peek{f, make(chan struct{})}
	h.post(p)
	<-p.done
}

// begun counts the attempts that have begun in their children.
func begun(h *Host) (n int) {
	look(h, func(l *loop) {
		for _, c := range l.children {
			if seq, _ := c.page.Begun(); len(c.sent) > 0 && seq >= c.first {
				n++
			}
		}
	})
	return n
}

// untilBegun waits until some attempt has begun and its child has been looked
// at.
func untilBegun(t *testing.T, h *Host) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		began := false
		look(h, func(l *loop) {
			for _, c := range l.children {
				began = began || len(c.sent) > 0 && c.began >= c.first
			}
		})
		if began {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing began")
		}
	}
}

func TestHandBack(t *testing.T) {
	h := newHost(t, func(c *Config) { c.Concurrency, c.HandBack = 1, 10*time.Millisecond })
	m := guest(t, "acts", KindCommand)
	long := submit(h, within(time.Hour, attempt(m, "spin")))
	untilBegun(t, h)
	for range 3 {
		if r := await(t, submit(h, attempt(m, "count"))); r.Began || r.Outcome.Error != nil {
			t.Errorf("behind a long one: %+v", r)
		}
	}
	h.KillAll(queue.ErrRevoked)
	if r := await(t, long); !r.Began || r.Outcome.Error == nil || r.Outcome.Error.Type != queue.ErrRevoked {
		t.Errorf("the long one: %+v", r.Outcome.Error)
	}
	if o := run(t, h, attempt(m, "count")); !o.OK {
		t.Errorf("afterwards: %+v", o.Error)
	}
}

func TestTakeBack(t *testing.T) {
	h := newHost(t, func(c *Config) { c.Concurrency = 1 })
	m := guest(t, "acts", KindCommand)
	long := submit(h, within(time.Hour, attempt(m, "spin")))
	untilBegun(t, h)
	waiting := submit(h, attempt(m, "count"))
	h.TakeBack(0)
	if r := await(t, waiting); r.Began || r.Outcome.Error != nil {
		t.Errorf("%+v", r)
	}
	h.KillAll(queue.ErrRevoked)
	if r := await(t, long); !r.Began || r.Outcome.Error == nil {
		t.Errorf("%+v", r)
	}
}

// Long attempts of one module run beside each other, each in its own child.
func TestParallel(t *testing.T) {
	h := newHost(t)
	m := guest(t, "acts", KindCommand)
	for range 50 { // whatever is known of the module, these are longer
		run(t, h, attempt(m, "count"))
	}
	look(h, func(l *loop) { l.module(m).mean = int64(quick) / 2 })
	var results []<-chan Result
	for range 4 {
		results = append(results, submit(h, within(time.Hour, attempt(m, "sleep 100000000"))))
	}
	eventually(t, "4 run at once", func() bool { return begun(h) == 4 })
	h.KillAll(queue.ErrRevoked)
	for _, c := range results {
		if r := await(t, c); !r.Began || r.Outcome.Error == nil || r.Outcome.Error.Type != queue.ErrRevoked {
			t.Errorf("%+v", r)
		}
	}
}

// Idle children are kept within the memory, the least used goes first.
func TestIdleChildren(t *testing.T) {
	h := newHost(t, func(c *Config) { c.Memory = 150 << 20 })
	for range 2 {
		for _, name := range []string{"acts", "tiny", "calls", "recurse", "start", "table"} {
			a := within(50*time.Millisecond, attempt(guest(t, name, KindCommand), "count"))
			await(t, submit(h, a))
		}
	}
	total := int64(0)
	look(h, func(l *loop) {
		for _, c := range l.children {
			total += c.reserve()
		}
	})
	if total > h.cfg.Memory {
		t.Errorf("idle children hold %d bytes", total)
	}
}

// Closing lets what runs end, or kills it when the time is up.
func TestClose(t *testing.T) {
	m := guest(t, "acts", KindCommand)
	for _, c := range []struct {
		input  string
		gentle bool
	}{{"spinms 100", true}, {"spin", false}} {
		h := newHost(t, func(c *Config) { c.Concurrency = 1 })
		runs := submit(h, within(time.Hour, attempt(m, c.input)))
		if !c.gentle {
			untilBegun(t, h)
		}
		waits := submit(h, attempt(m, "count"))
		ctx, cancel := context.WithTimeout(context.Background(), either(c.gentle, 20*time.Second, 50*time.Millisecond))
		err := h.Close(ctx)
		cancel()
		first, second := await(t, runs), await(t, waits)
		if c.gentle && (err != nil || !first.Outcome.OK || !second.Outcome.OK) {
			t.Errorf("gently: %v, %+v, %+v", err, first.Outcome.Error, second)
		}
		if !c.gentle && (err == nil || first.Outcome.Error == nil || first.Outcome.Error.Type != queue.ErrWorkerLost || !first.Began || second.Began) {
			t.Errorf("at once: %v, %+v, %+v", err, first, second)
		}
		if r := await(t, submit(h, attempt(m, "count"))); r.Began || r.Outcome.OK {
			t.Errorf("after the end: %+v", r)
		}
	}
}

// A host with nothing to do does nothing.
func TestIdleHostSleeps(t *testing.T) {
	h := newHost(t)
	run(t, h, attempt(guest(t, "acts", KindCommand), "count"))
	eventually(t, "the last tick", func() (rests bool) {
		look(h, func(l *loop) { rests = !l.ticking && l.jobs == 0 && len(l.hungry) == 0 })
		return rests
	})
}

// Where memory is short, a guest that takes more than its share is ended, and
// the others go on.
func TestPressure(t *testing.T) {
	h := newHost(t, func(c *Config) { c.Memory = 250 << 20 })
	honest := submit(h, attempt(guest(t, "acts", KindCommand), "sleep 500"))
	greedy := run(t, h, attempt(guest(t, "table", KindCommand), ""))
	if greedy.OK || greedy.Error.Type != queue.ErrOutOfMemory {
		t.Errorf("%+v", greedy.Error)
	}
	if r := await(t, honest); !r.Outcome.OK {
		t.Errorf("%+v", r.Outcome.Error)
	}
}
