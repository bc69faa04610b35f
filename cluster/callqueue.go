package cluster

// callQueue holds calls in order of arrival. Its owner's mutex guards it.
type callQueue struct {
	list  []*call
	head  int
	count int // commands of calls not given up
	bytes int
}

func (q *callQueue) push(c *call) {
	q.list = append(q.list, c)
	q.count += len(c.cmds)
	q.bytes += c.size
}

// givenUp forgets a call whose caller has left; it is skipped later.
func (q *callQueue) givenUp(c *call) {
	q.count -= len(c.cmds)
	q.bytes -= c.size
}

// pop takes the oldest call, or nil.
func (q *callQueue) pop() *call {
	for q.head < len(q.list) {
		c := q.list[q.head]
		q.list[q.head] = nil
		q.head++
		if q.head == len(q.list) {
			q.list, q.head = q.list[:0], 0
		}
		if c.state == callGivenUp {
			continue
		}
		q.count -= len(c.cmds)
		q.bytes -= c.size
		c.state = callSent
		return c
	}
	return nil
}

// peek is the oldest call, left in place.
func (q *callQueue) peek() *call {
	for q.head < len(q.list) && q.list[q.head].state == callGivenUp {
		q.list[q.head] = nil
		q.head++
	}
	if q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
		return nil
	}
	return q.list[q.head]
}

// take removes the oldest calls that fit together, at least one.
func (q *callQueue) take(maxCount, maxBytes int) (calls []*call, count, size int) {
	for c := q.peek(); c != nil; c = q.peek() {
		if count > 0 && (count+len(c.cmds) > maxCount || size+c.size > maxBytes) {
			break
		}
		count += len(c.cmds)
		size += c.size
		calls = append(calls, q.pop())
	}
	q.compact()
	return calls, count, size
}

// compact moves what is left to the front once the front is mostly empty, so
// that a queue that never empties does not grow for ever.
func (q *callQueue) compact() {
	if q.head > 1024 && q.head > len(q.list)/2 {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
}
