package main

import (
	"fmt"
	"slices"
	"time"
)

// Report is the task's result. Its lists are sorted and its numbers exact, so
// the same lines always give the same bytes.
type Report struct {
	Lines         int            `json:"lines"`
	Requests      int            `json:"requests"`
	Dropped       map[string]int `json:"dropped"`
	DroppedFirst  []DroppedLine  `json:"dropped_first,omitempty"`
	From          string         `json:"from,omitempty"`
	To            string         `json:"to,omitempty"`
	Bytes         int64          `json:"bytes"`
	BotRequests   int            `json:"bot_requests"`
	UniqueClients int            `json:"unique_clients"`
	Latency       Latency        `json:"latency"`
	ByStatus      map[string]int `json:"by_status"`
	ByMethod      map[string]int `json:"by_method"`
	TopPaths      []PathStats    `json:"top_paths"`
	TopClients    []ClientStats  `json:"top_clients"`
	ByMinute      []MinuteStats  `json:"by_minute"`
}

// DroppedLine points at a line that was dropped, counted from 1.
type DroppedLine struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// Latency is in milliseconds.
type Latency struct {
	P50 millis `json:"p50_ms"`
	P95 millis `json:"p95_ms"`
	P99 millis `json:"p99_ms"`
	Max millis `json:"max_ms"`
}

// PathStats is one path; failures are answers of 500 and above.
type PathStats struct {
	Path     string `json:"path"`
	Requests int    `json:"requests"`
	Failures int    `json:"failures"`
	Bytes    int64  `json:"bytes"`
	P50      millis `json:"p50_ms"`
	P95      millis `json:"p95_ms"`
}

// ClientStats is one client address.
type ClientStats struct {
	Client   string `json:"client"`
	Requests int    `json:"requests"`
	Bytes    int64  `json:"bytes"`
}

// MinuteStats is one minute of UTC.
type MinuteStats struct {
	Minute   string `json:"minute"`
	Requests int    `json:"requests"`
	Failures int    `json:"failures"`
	Bytes    int64  `json:"bytes"`
	P95      millis `json:"p95_ms"`
}

// millis is a number of microseconds, written as milliseconds.
type millis int64

// MarshalJSON writes 12345 as 12.345, without passing through a float.
func (m millis) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%d.%03d", m/1000, m%1000), nil
}

// report sums up, with the top busiest paths and clients.
func (a *aggregate) report(top int) *Report {
	r := &Report{
		Lines: a.lines, Requests: a.requests, Dropped: a.dropped, DroppedFirst: a.samples,
		Bytes: a.bytes, BotRequests: a.bots, UniqueClients: len(a.clients),
		ByStatus: a.classes, ByMethod: a.methods,
		Latency: Latency{
			P50: millis(percentile(a.micros, 50)), P95: millis(percentile(a.micros, 95)),
			P99: millis(percentile(a.micros, 99)), Max: millis(percentile(a.micros, 100)),
		},
		TopPaths: []PathStats{}, TopClients: []ClientStats{}, ByMinute: []MinuteStats{},
	}
	if a.requests > 0 {
		r.From, r.To = a.first.Format(time.RFC3339), a.last.Format(time.RFC3339)
	}
	for _, path := range busiest(a.paths, top) {
		t := a.paths[path]
		r.TopPaths = append(r.TopPaths, PathStats{
			Path: path, Requests: t.requests, Failures: t.failures, Bytes: t.bytes,
			P50: millis(percentile(t.micros, 50)), P95: millis(percentile(t.micros, 95)),
		})
	}
	for _, client := range busiest(a.clients, top) {
		t := a.clients[client]
		r.TopClients = append(r.TopClients, ClientStats{Client: client, Requests: t.requests, Bytes: t.bytes})
	}
	r.ByMinute = a.byMinute()
	return r
}

func (a *aggregate) byMinute() []MinuteStats {
	minutes := make([]time.Time, 0, len(a.minutes))
	for m := range a.minutes {
		minutes = append(minutes, m)
	}
	slices.SortFunc(minutes, time.Time.Compare)
	stats := make([]MinuteStats, 0, len(minutes))
	for _, m := range minutes {
		t := a.minutes[m]
		stats = append(stats, MinuteStats{
			Minute: m.Format("2006-01-02T15:04Z"), Requests: t.requests, Failures: t.failures,
			Bytes: t.bytes, P95: millis(percentile(t.micros, 95)),
		})
	}
	return stats
}
