package main

import (
	"bufio"
	"fmt"
	"io"

	"github.com/windrow-dev/windrow/queue"
)

// WriteMetrics implements api.Metrics.
func (n *node) WriteMetrics(w io.Writer) error {
	b := bufio.NewWriter(w)
	gauge := func(name, help string, value any) {
		fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s gauge\n%s %v\n", name, help, name, name, value)
	}
	l, _ := n.cluster.Leadership()
	leads := 0
	if l.Self {
		leads = 1
	}
	gauge("windrow_leader", "1 on the node that leads.", leads)
	gauge("windrow_applied_index", "Log index that this node has applied.", n.replica.AppliedIndex())
	gauge("windrow_durable_index", "Log index up to which the checkpoint is on disk.", n.replica.DurableIndex())
	queues := n.Queues(queue.DefaultNamespace)
	per := func(name, help string, value func(queue.QueueView) int) {
		fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
		for _, q := range queues {
			fmt.Fprintf(b, "%s{queue=%q} %d\n", name, q.Name, value(q))
		}
	}
	per("windrow_queue_pending", "Tasks that wait for a slot.", func(q queue.QueueView) int { return q.Pending })
	per("windrow_queue_scheduled", "Tasks that wait for their time.", func(q queue.QueueView) int { return q.Scheduled })
	per("windrow_queue_running", "Tasks that are assigned.", func(q queue.QueueView) int { return q.Running })
	per("windrow_queue_dead", "Dead-lettered tasks.", func(q queue.QueueView) int { return q.Dead })
	return b.Flush()
}
