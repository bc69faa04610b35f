package main

import (
	"io"

	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/internal/metrics"
	"github.com/windrow-dev/windrow/queue"
)

// WriteMetrics implements api.Metrics.
func (n *node) WriteMetrics(w io.Writer) error { return n.metrics.Write(w) }

// count counts an entry's transitions.
func (n *node) count(moves []state.Move) {
	for i := range moves {
		if !moves[i].Run && moves[i].Schedule == 0 {
			n.metrics.Moved(moves[i].To, moves[i].Error)
		}
	}
}

// metricSource implements metrics.Source.
type metricSource struct{ n *node }

// QueueSizes implements metrics.Source.
func (s metricSource) QueueSizes() []queue.QueueView { return s.n.replica.Machine().AllQueues() }

// Workers implements metrics.Source.
func (s metricSource) Workers() []queue.WorkerView { return s.n.Workers() }

// Now implements metrics.Source.
func (s metricSource) Now() int64 { return s.n.cluster.Clock().Now() }

// Figures implements metrics.Source.
func (s metricSource) Figures() metrics.Figures {
	l, _ := s.n.cluster.Leadership()
	st := s.n.cluster.Stats()
	f := metrics.Figures{Leader: l.Self, Term: st.Term, Committed: st.Committed, Applied: st.Applied, Durable: st.Durable, ProposalsQueued: st.Queued}
	if space, err := s.n.replica.Store().FreeSpace(); err == nil {
		f.FreeBytes = uint64(space.Free)
	}
	return f
}
