//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

const slept = 10 * time.Millisecond // by each task of either tenant

// fair lets 100,000 tasks of one tenant wait, and asks 50 times how long a
// single task of another waits beside them.
func fair(ctx context.Context, b *bench) error {
	n, err := b.start(ctx, "--concurrency", "8")
	if err == nil {
		err = n.push()
	}
	if err != nil {
		return err
	}
	if err := b.probe(n, "alone"); err != nil {
		return err
	}
	body := batchOf(`{"task":"sleep.main","input":10,"fairness_key":"large"}`, 10_000)
	for range 10 {
		if err := n.send("POST", "/v1/tasks/batch", "application/x-ndjson", body); err != nil {
			return err
		}
	}
	if err := b.probe(n, "beside 100,000"); err != nil {
		return err
	}
	text, err := n.get("/v1/queues/default")
	if err != nil {
		return err
	}
	var q wire.Queue
	if err := json.Unmarshal(text, &q); err != nil {
		return err
	}
	b.note("tasks of the other tenant that waited still at the end", float64(q.Pending), "")
	return nil
}

// probe sends one task at a time, at random moments.
func (b *bench) probe(n *node, beside string) error {
	var waits []time.Duration
	for range 50 {
		<-time.After(time.Duration(rand.IntN(40)) * time.Millisecond)
		text, err := n.ask("POST", "/v1/tasks?wait=60s", "application/json", []byte(`{"task":"sleep.main","input":10,"fairness_key":"small"}`))
		if err != nil {
			return err
		}
		var t wire.Task
		if err := json.Unmarshal(text, &t); err != nil {
			return err
		}
		waits = append(waits, t.StartedAt.Sub(t.CreatedAt.Time))
	}
	slices.Sort(waits)
	for _, of := range []struct {
		name string
		wait time.Duration
	}{{"median", waits[len(waits)/2]}, {"most", waits[len(waits)-1]}} {
		b.noteTime(fmt.Sprintf("a tenant's single task %s: accepted → begun, %s", beside, of.name), of.wait)
		b.note(fmt.Sprintf("a tenant's single task %s: the same in task lengths, %s", beside, of.name), float64(of.wait)/float64(slept), "")
	}
	return nil
}

// measured is how long limits are looked at, after some time to begin with.
const (
	beginning = time.Second
	measured  = 20 * time.Second
)

// rates lets 64 clients ask for more than a task's rate, and a queue's, allows.
func rates(ctx context.Context, b *bench) error {
	n, err := b.start(ctx)
	if err == nil {
		err = n.push()
	}
	if err != nil {
		return err
	}
	if err := n.send("PUT", "/v1/queues/narrow", "application/json", []byte(`{"rate_limit":"200/s"}`)); err != nil {
		return err
	}
	bodies := []string{
		`{"task":"noop.main","queue":"limited","rate_limit":"1000/s"}`,
		`{"task":"sleep.main","input":0,"queue":"narrow"}`,
	}
	begun := time.Now()
	for _, body := range bodies { // so that clients who pause leave no gap
		if err := n.send("POST", "/v1/tasks/batch", "application/x-ndjson", batchOf(body, 1000)); err != nil {
			return err
		}
	}
	if _, err := crowd(clients, beginning+measured, func(i int) error {
		return n.send("POST", "/v1/tasks?wait=30s", "application/json", []byte(bodies[i%2]))
	}); err != nil {
		return err
	}
	for _, of := range []struct {
		name, queue string
		rate        float64
	}{{"1,000 a second of a task", "limited", 1000}, {"200 a second of a queue", "narrow", 200}} {
		all, err := n.spans(of.queue)
		if err != nil {
			return err
		}
		most, over, in := 0, 0, 0
		from := begun.Add(beginning)
		for i, t := range all {
			if !t.StartedAt.Before(from) && t.StartedAt.Before(from.Add(measured)) {
				in++
			}
			// Starts are counted where they are decided; what begins may have been
			// delayed on its way, never hastened.
			if float64(i+1) > of.rate*(t.StartedAt.Sub(begun).Seconds()+0.01)+1 {
				over++
			}
			end, _ := slices.BinarySearchFunc(all, t.StartedAt.Add(time.Second), func(t wire.Task, at time.Time) int { return t.StartedAt.Compare(at) })
			most = max(most, end-i)
		}
		b.note(of.name+": used", 100*float64(in)/(of.rate*measured.Seconds()), "%")
		b.note(of.name+": starts beyond the rate since the first request", float64(over), "")
		b.note(of.name+": most starts in any second", float64(most), "")
	}
	return nil
}

// keys lets 64 clients share eight keys of four slots each.
func keys(ctx context.Context, b *bench) error {
	for _, ms := range []int{100, 500} {
		if err := keysOf(ctx, b, ms); err != nil {
			return err
		}
		b.close()
	}
	return nil
}

func keysOf(ctx context.Context, b *bench, ms int) error {
	n, err := b.start(ctx, "--concurrency", "40")
	if err == nil {
		err = n.push()
	}
	if err != nil {
		return err
	}
	const names, limit = 8, 4
	begun := time.Now()
	if _, err := crowd(clients, beginning+measured, func(i int) error {
		return n.send("POST", "/v1/tasks?wait=30s", "application/json", fmt.Appendf(nil,
			`{"task":"sleep.main","input":%d,"concurrency_key":{"key":"k%d","limit":%d}}`, ms, i%names, limit))
	}); err != nil {
		return err
	}
	all, err := n.spans("default")
	if err != nil {
		return err
	}
	from := begun.Add(beginning)
	most, used := 0, time.Duration(0)
	for k := range names {
		var ends []time.Time // of what runs
		for _, t := range all {
			if t.ConcurrencyKey != fmt.Sprintf("k%d", k) {
				continue
			}
			ends = slices.DeleteFunc(ends, func(end time.Time) bool { return !end.After(t.StartedAt.Time) })
			ends = append(ends, t.FinishedAt.Time)
			most = max(most, len(ends))
			used += max(0, earlier(t.FinishedAt.Time, from.Add(measured)).Sub(latest(t.StartedAt.Time, from)))
		}
	}
	named := func(what string) string { return fmt.Sprintf("8 keys of 4 slots, tasks of %d ms: %s", ms, what) }
	b.note(named("used"), 100*used.Seconds()/(names*limit*measured.Seconds()), "%")
	b.note(named("most of a key at once"), float64(most), "")
	b.note(named("tasks"), float64(len(all)), "")
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
