package state

import (
	"fmt"
	"strings"

	"github.com/windrow-dev/windrow/queue/match"
)

// memoryOf tells of what choices depend on beside the records: a reloaded
// machine must have the same.
func memoryOf(m *Machine) string {
	var b strings.Builder
	fmt.Fprintf(&b, "now %d seq %d jobs %d virtual %d more %v\n", m.now, m.seq, m.jobs, m.ready.Virtual, m.work.pending())
	for _, j := range m.work.jobs {
		fmt.Fprintf(&b, "job %T %d\n", j, j.place())
	}
	for _, n := range m.queueNames() {
		l := m.ready.Line(n.namespace, n.name)
		q := m.queues[n]
		fmt.Fprintf(&b, "queue %v tag %d virtual %d next %d: %d %d %d %d\n", n, l.Namespace.Tag, l.Virtual, l.RateNext(), q.pending, q.scheduled, q.running, q.dead)
		fmt.Fprintf(&b, "idle since %d\n", q.idleAt)
		if q.purge.to > 0 {
			fmt.Fprintf(&b, "purge to %d done %d at the end %v\n", q.purge.to, q.purge.done, q.purge.next == nil || q.purge.next.Seq > q.purge.to)
		}
		for t := q.head; t != nil; t = t.next {
			rank, due := t.Rank, t.due
			if t.Where == match.Out { // set when it becomes ready
				rank = 0
			}
			if t.timerPos < 0 {
				due = 0
			}
			fmt.Fprintf(&b, "  %s %s where %d by %d from %d rank %d tag %d due %d timer %v\n", t.id, t.state, t.Where, t.By, t.From, rank, m.flowOf(t).Tag, due, t.timerPos >= 0)
			if x := t.extra; x != nil {
				fmt.Fprintf(&b, "    shadow %q debounce %q since %d\n", x.shadow, x.debounce, x.since)
			}
			if c := t.Claim; c != nil {
				for _, l := range []any{c.Key, c.Pool, c.Rate} {
					fmt.Fprintf(&b, "    %+v\n", l)
				}
			}
		}
	}
	for _, s := range m.sessionsInOrder() {
		if s.ending != nil { // it is given nothing any more
			fmt.Fprintf(&b, "session %s ends with %d\n", s.id, s.Outstanding)
			continue
		}
		fmt.Fprintf(&b, "session %s %d/%d+%d held %v\n", s.id, s.Outstanding, s.Running, s.Prefetch, s.Held)
	}
	pacesOf(m, &b)
	runsOf(m, &b)
	schedulesOf(m, &b)
	hooksOf(m, &b)
	return b.String()
}
