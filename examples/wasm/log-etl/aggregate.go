package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// keptSamples is how many dropped lines the report shows.
const keptSamples = 5

// aggregate is what has been seen so far.
type aggregate struct {
	lines, requests, bots int
	bytes                 int64
	first, last           time.Time
	dropped               map[string]int
	samples               []DroppedLine
	classes               map[string]int
	methods               map[string]int
	paths                 map[string]*tally
	minutes               map[time.Time]*tally
	clients               map[string]*tally
	micros                []int64
}

// tally counts the requests of one path, minute or client.
type tally struct {
	requests, failures int
	bytes              int64
	micros             []int64
}

func newAggregate() *aggregate {
	return &aggregate{
		dropped: map[string]int{},
		classes: map[string]int{},
		methods: map[string]int{},
		paths:   map[string]*tally{},
		minutes: map[time.Time]*tally{},
		clients: map[string]*tally{},
	}
}

// add takes one line, good or bad.
func (a *aggregate) add(line string) {
	a.lines++
	e, reason := parseLine(line)
	if reason != "" {
		a.dropped[reason]++
		if len(a.samples) < keptSamples && reason != dropEmpty {
			a.samples = append(a.samples, DroppedLine{Line: a.lines, Reason: reason})
		}
		return
	}
	a.requests++
	a.bytes += e.Bytes
	a.micros = append(a.micros, e.Micros)
	if e.Bot {
		a.bots++
	}
	if a.first.IsZero() || e.Time.Before(a.first) {
		a.first = e.Time
	}
	if e.Time.After(a.last) {
		a.last = e.Time
	}
	a.classes[fmt.Sprintf("%dxx", e.Status/100)]++
	a.methods[e.Method]++
	count(a.paths, e.Path, e)
	count(a.minutes, e.Time.Truncate(time.Minute), e)
	count(a.clients, e.Client, e)
}

func (a *aggregate) droppedTotal() int {
	total := 0
	for _, n := range a.dropped {
		total += n
	}
	return total
}

func count[K comparable](m map[K]*tally, key K, e Entry) {
	t := m[key]
	if t == nil {
		t = &tally{}
		m[key] = t
	}
	t.requests++
	t.bytes += e.Bytes
	t.micros = append(t.micros, e.Micros)
	if e.Status >= 500 {
		t.failures++
	}
}

// busiest gives the keys with the most requests, at most n; ties by key.
func busiest(m map[string]*tally, n int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y string) int {
		return cmp.Or(cmp.Compare(m[y].requests, m[x].requests), cmp.Compare(x, y))
	})
	return keys[:min(n, len(keys))]
}

// percentile gives the value that p of 100 do not exceed (nearest rank).
// It sorts in place.
func percentile(micros []int64, p int) int64 {
	if len(micros) == 0 {
		return 0
	}
	slices.Sort(micros)
	rank := (len(micros)*p + 99) / 100
	return micros[max(rank, 1)-1]
}
