package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// TestEventStream follows every transition of many tasks by readers that hang
// up at random and go on at a node of their choice by Last-Event-ID, while one
// node is killed and comes back. Each reader sees what every node tells
// afterwards: the same transitions in the same order, none missed, none twice.
func TestEventStream(t *testing.T) {
	c := testnode.NewCluster(t, 3)
	cl := c.Client()
	testnode.Push(t, cl, guests.Noop)
	const batch = 500
	tasks := size(2000, 34_000)                                // three transitions each: stored, assigned, ended
	start := fmt.Sprintf("%d-%d", cl.Index(), uint32(1<<32-1)) // behind whatever was before
	var readers []*eventReader
	var work sync.WaitGroup
	for i := range 4 {
		r := &eventReader{c: c, after: start, random: rand.New(rand.NewPCG(uint64(i), 7))}
		readers = append(readers, r)
		work.Go(func() { r.run(t.Context()) })
	}
	began := time.Now()
	for sent := 0; sent < tasks; sent += batch {
		calls := slices.Repeat([]windrow.Call{{Task: guests.Noop + ".main"}}, min(batch, tasks-sent))
		if _, err := cl.SubmitBatch(t.Context(), calls); err != nil {
			t.Fatal(err)
		}
		if sent/batch == tasks/batch/2 {
			victim := c.Follower()
			victim.Kill()
			victim.Start()
			c.WaitCaughtUp(victim)
		}
	}
	testnode.Poll(t, "all tasks to end", func() error {
		q, err := cl.Queue(t.Context(), "default")
		if err != nil {
			return err
		}
		if q.Pending+q.Scheduled+q.Running > 0 {
			return fmt.Errorf("%+v", q)
		}
		return nil
	})
	// The readers stop at this task's end, which is the last event of all.
	last, err := cl.SubmitWait(t.Context(), windrow.Call{Task: guests.Noop + ".main", Queue: "last"})
	if err != nil {
		t.Fatal(err)
	}
	work.Wait()
	took := time.Since(began)
	whole := wholeStream(t, c.Nodes[0], start, last.ID)
	for _, n := range c.Nodes[1:] {
		same(t, "the stream of "+n.URL(), wholeStream(t, n, start, last.ID), whole)
	}
	for i, r := range readers {
		if r.err != nil {
			t.Fatalf("reader %d: %v", i, r.err)
		}
		same(t, fmt.Sprintf("reader %d", i), r.seen, whole)
	}
	ends := map[string]int{}
	for _, e := range whole {
		if e.State == wire.StateSuccess {
			ends[e.TaskID]++
		}
	}
	for id, n := range ends {
		if n != 1 {
			t.Errorf("task %s ended %d times", id, n)
		}
	}
	breaks := 0
	for _, r := range readers {
		breaks += r.breaks
	}
	if len(ends) != tasks+1 || len(whole) < 3*tasks || breaks < len(readers) {
		t.Errorf("%d tasks ended by %d events, want %d tasks", len(ends), len(whole), tasks+1)
	}
	t.Logf("%d transitions by %d readers over %d connections in %v", len(whole), len(readers), breaks+len(readers), took.Round(time.Millisecond))
}

// transition is what must be equal of an event on all nodes.
type transition struct {
	ID, TaskID, State string
	Attempt           uint32
}

func same(t *testing.T, what string, got, want []transition) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s: event %d is %+v, want %+v", what, i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s has %d events, want %d", what, len(got), len(want))
	}
}

// wholeStream is all that a node tells, up to a task's end, over one connection.
func wholeStream(t *testing.T, n *testnode.Node, start, last string) []transition {
	t.Helper()
	r := &eventReader{after: start}
	if err := r.connect(t.Context(), n, 0); err != nil {
		t.Fatal(err)
	}
	if len(r.seen) == 0 || r.seen[len(r.seen)-1].TaskID != last {
		t.Fatalf("the stream of %s does not end with task %s", n.URL(), last)
	}
	return r.seen
}

// eventReader follows events over many connections.
type eventReader struct {
	c      *testnode.Cluster
	random *rand.Rand

	after  string
	seen   []transition
	breaks int
	ended  bool
	err    error
}

// run reads until the last task has ended.
func (r *eventReader) run(ctx context.Context) {
	for !r.ended && r.err == nil {
		n := r.c.Nodes[r.random.IntN(len(r.c.Nodes))]
		r.err = r.connect(ctx, n, 1+r.random.IntN(1500))
		if !r.ended {
			r.breaks++
		}
	}
}

// connect reads so many events, 0 for all there are, and hangs up. That the
// node does so, or is not there, is no error.
func (r *eventReader) connect(ctx context.Context, n *testnode.Node, most int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL()+"/v1/events", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Last-Event-ID", r.after)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return ctx.Err()
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	in.Buffer(nil, 1<<20)
	var data string
	for taken := 0; (most == 0 || taken < most) && !r.ended && in.Scan(); {
		line := in.Text()
		switch {
		case line == "event: "+wire.EventReset:
			return errors.New("events are gone after " + r.after)
		case strings.HasPrefix(line, "data: "):
			data = line[len("data: "):]
		case line == "" && data != "": // an event that was cut off has no such end
			if err := r.take(data); err != nil {
				return err
			}
			data = ""
			taken++
		}
	}
	return nil
}

func (r *eventReader) take(data string) error {
	var e wire.Event
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return fmt.Errorf("the event after %s: %w", r.after, err)
	}
	r.after = e.ID
	r.seen = append(r.seen, transition{e.ID, e.TaskID, e.State, e.Attempt})
	r.ended = e.Queue == "last" && e.State == wire.StateSuccess
	return nil
}
