package metrics

import (
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"github.com/windrow-dev/windrow/queue"
)

// Source is what a node tells when it is asked.
type Source interface {
	// QueueSizes lists the queues of all namespaces, by name.
	QueueSizes() []queue.QueueView
	Workers() []queue.WorkerView
	// Now is the machine's time, unix nanoseconds.
	Now() int64
	Figures() Figures
}

// Figures are a node's own.
type Figures struct {
	Leader                            bool
	Term, Committed, Applied, Durable uint64
	ProposalsQueued                   int
	FreeBytes                         uint64
}

// Set counts, and asks a source.
type Set struct {
	registry *prometheus.Registry
	source   Source
	moves    *prometheus.CounterVec
	failures *prometheus.CounterVec
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	byState  [32]prometheus.Counter // of moves, so that a transition costs an addition
}

var _ prometheus.Collector = (*Set)(nil)

// New makes a set with nothing counted.
func New(source Source) *Set {
	s := &Set{registry: prometheus.NewRegistry(), source: source}
	s.moves = prometheus.NewCounterVec(prometheus.CounterOpts{Name: moves.Name, Help: moves.Help}, moves.Labels)
	s.failures = prometheus.NewCounterVec(prometheus.CounterOpts{Name: failures.Name, Help: failures.Help}, failures.Labels)
	s.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: requests.Name, Help: requests.Help}, requests.Labels)
	s.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: seconds.Name, Help: seconds.Help,
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, seconds.Labels)
	for st := queue.Pending; st <= queue.Removed; st++ {
		s.byState[st] = s.moves.WithLabelValues(st.String())
	}
	s.registry.MustRegister(s.moves, s.failures, s.requests, s.seconds, s,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return s
}

// Moved counts a transition; err is the error's type, empty for none.
func (s *Set) Moved(to queue.State, err string) {
	s.byState[to].Inc()
	if err != "" {
		s.failures.WithLabelValues(failureType(err)).Inc()
	}
}

// known are the error types that count under their own names.
var known = []string{
	queue.ErrCrashed, queue.ErrDependency, queue.ErrExitCode, queue.ErrExpired, queue.ErrExpression, queue.ErrFatal,
	queue.ErrInputDamaged, queue.ErrInputTooLarge, queue.ErrInvalidOutput, queue.ErrOutOfMemory, queue.ErrOutputTooLarge, queue.ErrRevoked,
	queue.ErrSoftTimeout, queue.ErrStackOverflow, queue.ErrTimeout, queue.ErrTrap, queue.ErrUnavailable, queue.ErrWorkerLost,
}

func failureType(name string) string {
	if slices.Contains(known, name) {
		return name
	}
	return "guest"
}

// Answered counts an HTTP answer; route is the route's pattern, never a path.
func (s *Set) Answered(method, route string, code int, took time.Duration) {
	s.requests.WithLabelValues(method, route, strconv.Itoa(code)).Inc()
	s.seconds.WithLabelValues(method, route).Observe(took.Seconds())
}

// Write writes all in the Prometheus text format.
func (s *Set) Write(w io.Writer) error {
	families, err := s.registry.Gather()
	if err != nil {
		return err
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
			return err
		}
	}
	return nil
}

// Describe implements prometheus.Collector.
func (s *Set) Describe(ch chan<- *prometheus.Desc) {
	for i := range List {
		if List[i].Kind == "gauge" {
			ch <- desc(&List[i])
		}
	}
}

func desc(m *Metric) *prometheus.Desc { return prometheus.NewDesc(m.Name, m.Help, m.Labels, nil) }

// Collect implements prometheus.Collector.
func (s *Set) Collect(ch chan<- prometheus.Metric) {
	gauge := func(m Metric, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc(&m), prometheus.GaugeValue, v, labels...)
	}
	s.collectQueues(gauge)
	f := s.source.Figures()
	lead := 0.0
	if f.Leader {
		lead = 1
	}
	gauge(leader, lead)
	gauge(term, float64(f.Term))
	gauge(committed, float64(f.Committed))
	gauge(applied, float64(f.Applied))
	gauge(durable, float64(f.Durable))
	gauge(queued, float64(f.ProposalsQueued))
	gauge(free, float64(f.FreeBytes))
	var ready, silent, all, held float64
	for _, w := range s.source.Workers() {
		if w.Held {
			silent++
		} else {
			ready++
		}
		all += float64(w.Running)
		held += float64(w.Outstanding)
	}
	gauge(workers, ready, "ready")
	gauge(workers, silent, "silent")
	gauge(slots, all)
	gauge(taken, held)
}

func (s *Set) collectQueues(gauge func(Metric, float64, ...string)) {
	now := s.source.Now()
	tell := func(q *queue.QueueView, namespace, name string) {
		gauge(pending, float64(q.Pending), namespace, name)
		gauge(scheduled, float64(q.Scheduled), namespace, name)
		gauge(running, float64(q.Running), namespace, name)
		gauge(dead, float64(q.Dead), namespace, name)
		age := 0.0
		if q.OldestReadyAt != 0 {
			age = float64(max(now-q.OldestReadyAt, 0)) / 1e9
		}
		gauge(oldest, age, namespace, name)
	}
	list := s.source.QueueSizes()
	for i := range list[:min(len(list), MaxQueues)] {
		tell(&list[i], list[i].Namespace, list[i].Name)
	}
	if len(list) <= MaxQueues {
		return
	}
	var rest queue.QueueView
	for _, q := range list[MaxQueues:] {
		rest.Pending += q.Pending
		rest.Scheduled += q.Scheduled
		rest.Running += q.Running
		rest.Dead += q.Dead
		if rest.OldestReadyAt == 0 || q.OldestReadyAt != 0 && q.OldestReadyAt < rest.OldestReadyAt {
			rest.OldestReadyAt = q.OldestReadyAt
		}
	}
	tell(&rest, "", "other")
}
