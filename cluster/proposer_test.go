package cluster

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/windrow-dev/windrow/cluster/command"
)

// fakeFuture is an entry that a test commits or fails.
type fakeFuture struct {
	data []byte
	err  chan error
}

func (f *fakeFuture) Error() error  { return <-f.err }
func (f *fakeFuture) Index() uint64 { return 0 }
func (f *fakeFuture) Response() any { return nil }

// fakeLog takes entries in place of Raft.
type fakeLog struct {
	entries []*fakeFuture
	p       *proposer
}

func (l *fakeLog) apply(data []byte) raft.ApplyFuture {
	f := &fakeFuture{data: data, err: make(chan error, 1)}
	l.entries = append(l.entries, f)
	return f
}

// commit applies the i-th entry as Raft would.
func (l *fakeLog) commit(i int) {
	f := l.entries[i]
	_, cmds, err := splitBatch(f.data)
	if err != nil {
		panic(err)
	}
	results := make([]command.Result, len(cmds))
	for k := range cmds {
		results[k].Detail = string(cmds[k])
	}
	l.p.applied(&raft.Log{Index: uint64(i + 1), Term: 3, Data: f.data}, results)
	f.err <- nil
}

// withProposer runs a test on an open proposer over a fake log.
func withProposer(t *testing.T, test func(t *testing.T, p *proposer, l *fakeLog, propose func(ctx context.Context, text string) chan error)) {
	synctest.Test(t, func(t *testing.T) {
		l := &fakeLog{}
		p := newProposer(l.apply, newClock(func() reading { return reading{1, 1} }))
		l.p = p
		node := &Node{}
		ctx, cancel := context.WithCancel(t.Context())
		p.run(ctx, &node.work)
		p.open(3)
		test(t, p, l, func(ctx context.Context, text string) chan error {
			done := make(chan error, 1)
			go func() {
				c, err := newCall([][]byte{[]byte(text)})
				if err == nil {
					err = p.propose(ctx, c)
				}
				if err == nil && c.results[0].Detail != text {
					err = errors.New("got the result of " + c.results[0].Detail)
				}
				done <- err
			}()
			synctest.Wait()
			return done
		})
		cancel()
		node.work.Wait()
	})
}

// large is a command for which a second entry pays.
var large = strings.Repeat("x", secondBytes)

func TestLoneCommandLeavesAtOnce(t *testing.T) {
	withProposer(t, func(t *testing.T, _ *proposer, l *fakeLog, propose func(context.Context, string) chan error) {
		a := propose(t.Context(), "a")
		if len(l.entries) != 1 {
			t.Fatal("it waits for company")
		}
		l.commit(0)
		if err := <-a; err != nil {
			t.Fatal(err)
		}
	})
}

func TestEntriesFill(t *testing.T) {
	withProposer(t, func(t *testing.T, _ *proposer, l *fakeLog, propose func(context.Context, string) chan error) {
		var done []chan error
		for i := range 1 + secondCommands + 5 {
			done = append(done, propose(t.Context(), string(rune('a'+i))))
			want := 1
			if i >= secondCommands {
				want = 2 // enough waits for a second one
			}
			if len(l.entries) != want {
				t.Fatalf("%d entries in flight for %d commands, want %d", len(l.entries), i+1, want)
			}
		}
		l.commit(1)
		synctest.Wait()
		if len(l.entries) != 2 {
			t.Fatal("a third left while one was in flight and little waited")
		}
		l.commit(0)
		synctest.Wait()
		if len(l.entries) != 3 {
			t.Fatalf("%d entries after the first two were done", len(l.entries))
		}
		if _, cmds, _ := splitBatch(l.entries[2].data); len(cmds) != 5 {
			t.Fatalf("the third carries %d commands", len(cmds))
		}
		l.commit(2)
		for _, d := range done {
			if err := <-d; err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestLossOfLeadership(t *testing.T) {
	withProposer(t, func(t *testing.T, p *proposer, l *fakeLog, propose func(context.Context, string) chan error) {
		inLog, refused := propose(t.Context(), "in the log"), propose(t.Context(), large)
		queued := propose(t.Context(), "queued")
		p.close()
		if err := <-queued; !errors.Is(err, ErrNotLeader) {
			t.Errorf("queued: %v", err)
		}
		l.entries[0].err <- raft.ErrLeadershipLost
		l.entries[1].err <- raft.ErrNotLeader
		if err := <-inLog; !errors.Is(err, ErrUnknownOutcome) {
			t.Errorf("in the log: %v", err)
		}
		if err := <-refused; !errors.Is(err, ErrNotLeader) {
			t.Errorf("refused: %v", err)
		}
		if err := <-propose(t.Context(), "later"); !errors.Is(err, ErrNotLeader) {
			t.Errorf("later: %v", err)
		}
	})
}

func TestGivingUp(t *testing.T) {
	withProposer(t, func(t *testing.T, _ *proposer, l *fakeLog, propose func(context.Context, string) chan error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		a, b := propose(ctx, "a"), propose(t.Context(), large)
		c, d := propose(ctx, "c"), propose(t.Context(), "d")
		<-ctx.Done()
		synctest.Wait()
		if err := <-a; !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("in flight: %v", err)
		}
		if err := <-c; !errors.Is(err, ErrNotLeader) {
			t.Errorf("queued: %v", err)
		}
		l.commit(0)
		l.commit(1)
		synctest.Wait()
		if _, cmds, _ := splitBatch(l.entries[2].data); len(cmds) != 1 || string(cmds[0]) != "d" {
			t.Errorf("the third entry carries %q", cmds)
		}
		l.commit(2)
		if err := errors.Join(<-b, <-d); err != nil {
			t.Error(err)
		}
	})
}

func TestTooLarge(t *testing.T) {
	if _, err := newCall([][]byte{make([]byte, commandBytes)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a command of %d bytes: %v", commandBytes, err)
	}
}
