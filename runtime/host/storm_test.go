package host

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// storm is what may happen to attempts, all at once.
type storm struct {
	t      *testing.T
	h      *Host
	rnd    *rand.Rand
	mu     sync.Mutex
	ended  map[queue.ID]int
	killed map[queue.ID]bool
	all    sync.WaitGroup
}

// wants says which ends an attempt may have; "" is success.
var wants = map[string][]string{
	"count":     {""},
	"sleep 3":   {""},
	"spinms 7":  {""},
	"spin":      {queue.ErrTimeout},
	"exit 3":    {queue.ErrExitCode},
	"trap":      {queue.ErrTrap},
	"hog":       {queue.ErrOutOfMemory},
	"dirty 3":   {""},
	"log 50000": {""},
}

func (s *storm) submit(m Module, input string) queue.ID {
	a := within(time.Minute, attempt(m, input))
	if input == "spin" {
		a.Timeout = 30 * time.Millisecond
	}
	a.Once = s.rnd.IntN(4) == 0
	if s.rnd.IntN(3) == 0 {
		a.OnLog = func([]byte) {}
	}
	s.all.Add(1)
	s.h.Submit(a, func(r Result) {
		defer s.all.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended[a.ID]++
		if err := s.check(a, r); err != nil {
			s.t.Errorf("%s %q: %v", a.Module.Path, a.Input, err)
		}
	})
	return a.ID
}

func (s *storm) check(a *Attempt, r Result) error {
	got := ""
	switch {
	case !r.Began && r.Outcome.Error == nil:
		return nil // handed back
	case r.Outcome.Error != nil:
		got = r.Outcome.Error.Type
	case string(a.Input) == "count" && string(r.Outcome.Result) != "1", strings.HasPrefix(string(a.Input), "dirty") && string(r.Outcome.Result) != "0":
		return fmt.Errorf("found %s of another attempt", r.Outcome.Result)
	}
	if got == queue.ErrRevoked && s.killed[a.ID] {
		return nil
	}
	if want := wants[string(a.Input)]; len(want) > 0 && want[0] != got {
		return fmt.Errorf("ended with %q %+v, want %q", got, r.Outcome.Error, want[0])
	}
	return nil
}

// Whatever happens to attempts together, each ends once and the way it must.
func TestStorm(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 1
	}
	var inputs []string
	for input := range wants {
		inputs = append(inputs, input)
	}
	for seed := range uint64(rounds) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		h := newHost(t, func(c *Config) {
			c.Concurrency = 1 + rnd.IntN(5)
			c.HandBack = time.Duration(rnd.IntN(4)/3) * 10 * time.Millisecond
			c.Memory = int64(100+rnd.IntN(900)) << 20
		})
		s := &storm{t: t, h: h, rnd: rnd, ended: map[queue.ID]int{}, killed: map[queue.ID]bool{}}
		acts, tiny := guest(t, "acts", KindCommand), guest(t, "tiny", KindCommand)
		var ids []queue.ID
		for range 150 {
			switch rnd.IntN(12) {
			case 0:
				if len(ids) > 0 {
					id := ids[rnd.IntN(len(ids))]
					s.mu.Lock()
					s.killed[id] = true
					s.mu.Unlock()
					h.Kill(id, queue.ErrRevoked)
				}
			case 1:
				h.TakeBack(time.Duration(rnd.IntN(2000)) * time.Millisecond)
			case 2:
				<-time.After(time.Duration(rnd.IntN(5)) * time.Millisecond)
			case 3, 4:
				ids = append(ids, s.submit(tiny, "x"))
			case 5, 6, 7:
				ids = append(ids, s.submit(acts, "count"))
			default:
				ids = append(ids, s.submit(acts, inputs[rnd.IntN(len(inputs))]))
			}
		}
		ended := make(chan struct{})
		go func() { s.all.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(2 * time.Minute):
			look(h, func(l *loop) { t.Logf("%d jobs, %d hungry, %d starting", l.jobs, len(l.hungry), l.starting) })
			t.Fatalf("seed %d: some never ended", seed)
		}
		for _, id := range ids {
			if s.ended[id] != 1 {
				t.Errorf("seed %d: %s ended %d times", seed, id, s.ended[id])
			}
		}
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
