//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// What waits for later times: when the first comes due, and over how long.
const (
	laterCount  = 1_000_000
	laterStart  = 60 * time.Second
	laterSpread = 120 * time.Second
)

// plan is what was asked for: the time of each acknowledged task.
type plan struct {
	mu  sync.Mutex
	eta map[string]time.Time
}

// laterOf lets a million tasks wait for times of their own, kills the node, and
// reads all of them once they have run, beside 16 clients who want theirs now.
func laterOf(ctx context.Context, b *bench) error {
	n, err := b.start(ctx)
	if err == nil {
		err = n.push()
	}
	if err != nil {
		return err
	}
	first, begun := time.Now().Add(laterStart), time.Now()
	p := &plan{eta: make(map[string]time.Time, laterCount)}
	if err := p.submit(n, first); err != nil {
		return err
	}
	b.note("1,000,000 tasks for later: submit rate", laterCount/time.Since(begun).Seconds(), "/s")
	b.note("1,000,000 tasks for later: memory", n.rss(), "MiB")
	n.kill()
	begun = time.Now()
	if err := errors.Join(n.launch(), n.ready(ctx)); err != nil {
		return err
	}
	b.noteTime("1,000,000 tasks for later: kill -9, start → ready", time.Since(begun))
	if time.Now().After(first) {
		return fmt.Errorf("the node was ready %v after the first came due", time.Since(first))
	}
	b.note("1,000,000 tasks for later: memory after the restart", n.rss(), "MiB")
	now, err := crowd(16, time.Until(first)+laterSpread, func(int) error {
		return n.send("POST", "/v1/tasks?wait=30s", "application/json", []byte(call))
	})
	if err != nil {
		return err
	}
	b.note("… meanwhile for 16 clients, submit → result", float64(now)/laterSpread.Seconds(), "/s")
	if err := n.idle("later"); err != nil {
		return err
	}
	return p.judge(b, n)
}

// submit spreads the times of each batch over the whole stretch.
func (p *plan) submit(n *node, first time.Time) error {
	const size = 10_000
	batches := make(chan int, laterCount/size)
	for i := range laterCount / size {
		batches <- i
	}
	close(batches)
	return each(4, laterCount/size, func() error {
		which := <-batches
		etas := make([]time.Time, size)
		var body bytes.Buffer
		for i := range etas {
			etas[i] = first.Add(laterSpread / laterCount * time.Duration(i*laterCount/size+which))
			fmt.Fprintf(&body, `{"task":"noop.main","queue":"later","eta":"%s"}`+"\n", wire.Time{Time: etas[i]})
		}
		text, err := n.ask("POST", "/v1/tasks/batch", "application/x-ndjson", body.Bytes())
		if err != nil {
			return err
		}
		var got wire.Batch
		if err := json.Unmarshal(text, &got); err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		for i, id := range got.IDs {
			p.eta[id] = etas[i]
		}
		return nil
	})
}

// judge reads every task.
func (p *plan) judge(b *bench, n *node) error {
	var early, twice, strange int
	var late []time.Duration
	err := n.tasks("later", func(t *wire.Task) {
		eta, ours := p.eta[t.ID]
		delete(p.eta, t.ID) // what stays is lost, what is read again is strange
		switch {
		case !ours || t.State != "success":
			strange++
			fmt.Fprintf(os.Stderr, "task %s is %s\n", t.ID, t.State)
		case t.Delivery != 1 || t.Attempt != 1:
			twice++
		case t.StartedAt.Before(eta):
			early++
			fmt.Fprintf(os.Stderr, "task %s began %v before its time\n", t.ID, eta.Sub(t.StartedAt.Time))
		}
		late = append(late, t.StartedAt.Sub(eta))
	})
	if err != nil {
		return err
	}
	b.note("1,000,000 tasks for later: lost", float64(len(p.eta)), "")
	b.note("1,000,000 tasks for later: early", float64(early), "")
	b.note("1,000,000 tasks for later: run twice", float64(twice), "")
	b.note("1,000,000 tasks for later: otherwise wrong", float64(strange), "")
	b.percentiles("1,000,000 tasks for later: time → begun", late)
	b.noteTime("1,000,000 tasks for later: time → begun, most", late[len(late)-1])
	return nil
}

// crowd lets so many clients do something again and again for so long, and says
// how often they did.
func crowd(workers int, long time.Duration, work func(i int) error) (int, error) {
	var group sync.WaitGroup
	counts, faults := make([]int, workers), make([]error, workers)
	for i, end := 0, time.Now().Add(long); i < workers; i++ {
		group.Go(func() {
			for time.Now().Before(end) && faults[i] == nil {
				faults[i] = work(i)
				counts[i]++
			}
		})
	}
	group.Wait()
	sum := 0
	for _, c := range counts {
		sum += c
	}
	return sum, errors.Join(faults...)
}

// idle waits until nothing of a queue waits or runs.
func (n *node) idle(queue string) error {
	for begun := time.Now(); time.Since(begun) < 5*time.Minute; {
		text, err := n.get("/v1/queues/" + queue)
		if err != nil {
			return err
		}
		var q wire.Queue
		if err := json.Unmarshal(text, &q); err != nil {
			return err
		}
		if q.Pending+q.Scheduled+q.Running == 0 {
			return nil
		}
	}
	return fmt.Errorf("queue %s does not become empty", queue)
}

// tasks shows every task of a queue.
func (n *node) tasks(queue string, show func(*wire.Task)) error {
	for cursor := ""; ; {
		text, err := n.get("/v1/tasks?limit=1000&queue=" + queue + "&cursor=" + cursor)
		if err != nil {
			return err
		}
		var page wire.List[wire.Task]
		if err := json.Unmarshal(text, &page); err != nil {
			return fmt.Errorf("list: %w: %.300s", err, text)
		}
		for i := range page.Items {
			show(&page.Items[i])
		}
		if cursor = page.NextCursor; cursor == "" {
			return nil
		}
	}
}

// spans are when the tasks of a queue ran, by their beginning.
func (n *node) spans(queue string) ([]wire.Task, error) {
	var all []wire.Task
	err := n.tasks(queue, func(t *wire.Task) {
		if !t.StartedAt.IsZero() {
			all = append(all, *t)
		}
	})
	slices.SortFunc(all, func(a, b wire.Task) int { return a.StartedAt.Compare(b.StartedAt.Time) })
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("no task of queue %s has begun", queue)
	}
	return all, err
}
