package state

type queueName struct{ namespace, name string }

// taskList is the unfinished tasks of one queue in the order of acceptance,
// with their counts.
type taskList struct {
	queueName
	head, tail                        *task
	pending, scheduled, running, dead int
	purge                             purge
	idleAt                            int64 // since when nothing names it; 0 while something does
	pos                               int32 // among the idle ones
}

func (m *Machine) queueList(namespace, name string) *taskList {
	n := queueName{namespace, name}
	l := m.queues[n]
	if l == nil {
		l = &taskList{queueName: n}
		l.purge.list = l
		m.queues[n] = l
		m.LineChanged(m.ready.Line(namespace, name)) // a restart must not forget it
	}
	return l
}

// append adds a task with the highest Seq so far.
func (l *taskList) append(t *task) {
	t.prev, t.next = l.tail, nil
	if l.tail == nil {
		l.head = t
	} else {
		l.tail.next = t
	}
	l.tail = t
	l.count(t, 1)
}

func (l *taskList) remove(t *task) {
	l.count(t, -1)
	if l.purge.next == t {
		l.purge.next = t.next
	}
	if t.prev == nil {
		l.head = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		l.tail = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.prev, t.next = nil, nil
}

// count adds n to the counter that the task's present state belongs to.
func (l *taskList) count(t *task, n int) {
	switch {
	case t.flags&flagStaged != 0:
	case t.flags&flagDead != 0:
		l.dead += n
	case t.asg != nil:
		l.running += n
	case t.flags&flagScheduled != 0:
		l.scheduled += n
	default:
		l.pending += n
	}
}

// move changes what a task's counter depends on.
func (l *taskList) move(t *task, change func()) {
	l.count(t, -1)
	change()
	l.count(t, 1)
}
