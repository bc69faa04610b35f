package workflow

import "github.com/windrow-dev/windrow/queue"

// Run is the progress over a graph. Its driver takes one Step after another,
// makes the tasks that they ask for, and says how those have ended.
//
// A run that was rebuilt from how its tasks and joins have ended (Restore) goes
// on as the one before would have: what is to be looked at next follows from
// the states alone, in the order of the nodes.
type Run struct {
	g         *Graph
	nodes     []progress
	look      lookout
	open      int    // nodes that have not ended
	failures  int    // nodes, callbacks left out, that ended otherwise than by success
	cause     uint32 // ordinal of the first task that failed the run, NoNode for none
	cancelled bool
	cancel    uint32 // nodes below it have been looked at for the cancel
}

// progress is where a node stands. State 0 is waiting; Pending and what
// follows mean that its tasks exist.
type progress struct {
	counts Counts
	cause  uint32 // ordinal of the task that made it fail, NoNode for none
	made   uint32 // tasks that exist or have ended, without having run too
	left   uint32 // of those made, how many have not ended
	bad    uint32 // of those made, how many failed
	state  queue.State
	marked bool // in the lookout
}

// Step is what a run wants done next.
type Step struct {
	Node  uint32
	Index uint32 // of a Map's item
	// State is how the node has ended without a task, or 0: make its task.
	State queue.State
	// Cause is the task that made it end so, by ordinal, or NoNode.
	Cause uint32
}

// NewRun starts at the nodes that wait for none.
func NewRun(g *Graph) *Run {
	r := &Run{g: g, nodes: make([]progress, len(g.nodes)), open: len(g.nodes), cause: NoNode}
	for i := range r.nodes {
		p := &r.nodes[i]
		p.cause, p.counts.Total = NoNode, g.nodes[i].ups.n
		if p.counts.Total == 0 {
			r.mark(uint32(i))
		}
	}
	return r
}

// Graph is what the run goes through.
func (r *Run) Graph() *Graph { return r.g }

// Pending reports whether Next may have a step.
func (r *Run) Pending() bool {
	return len(r.look) > 0 || r.cancelled && r.cancel < uint32(len(r.nodes))
}

// Next is the next step, if one is due. A node that ends without a task has
// ended when Next returns.
func (r *Run) Next() (Step, bool) {
	for len(r.look) > 0 {
		n := r.look[0]
		if s, ok := r.at(n); ok {
			return s, true
		}
	}
	return Step{}, false
}

// at decides the node that is looked at.
func (r *Run) at(n uint32) (Step, bool) {
	p, x := &r.nodes[n], &r.g.nodes[n]
	if p.state == queue.Pending && p.made < x.size {
		return r.make(n), true
	}
	r.unmark()
	if p.state != 0 {
		return Step{}, false
	}
	switch x.rule.Judge(p.counts) {
	case Wait:
		return Step{}, false
	case Skip:
		return r.endWithout(n, queue.Skipped, NoNode), true
	case Fail:
		return r.endWithout(n, queue.UpstreamFailed, p.cause), true
	case Go:
	}
	if x.size == 0 { // a join, or a map of nothing
		return r.end(n, r.joined(n), p.cause), true
	}
	p.state, p.cause = queue.Pending, NoNode
	r.mark(n)
	return r.make(n), true
}

// endWithout ends a node that has not run; a single task counts as made.
func (r *Run) endWithout(n uint32, state queue.State, cause uint32) Step {
	if r.g.nodes[n].kind == Task {
		r.nodes[n].made = 1
	}
	return r.end(n, state, cause)
}

// joined is how a join ends that may go.
func (r *Run) joined(n uint32) queue.State {
	p, x := &r.nodes[n], &r.g.nodes[n]
	if !x.whole || p.counts.Failed+p.counts.UpstreamFailed == 0 {
		return queue.Success
	}
	if own, _ := r.g.At(p.cause); own >= x.first && own != NoNode {
		return queue.Failure
	}
	return queue.UpstreamFailed
}

func (r *Run) make(n uint32) Step {
	p := &r.nodes[n]
	s := Step{Node: n, Index: p.made, Cause: NoNode}
	p.made++
	p.left++
	return s
}

// Ended says how a task has ended; the node ends with the last of its tasks,
// and is given then.
func (r *Run) Ended(ordinal uint32, state queue.State) (Step, bool) {
	n, _ := r.g.At(ordinal)
	if n == NoNode || r.nodes[n].state.Final() {
		return Step{}, false
	}
	p := &r.nodes[n]
	p.left--
	if failed(state) {
		p.bad++
		p.cause = min(p.cause, ordinal)
	}
	if s := r.whole(n, state); s != 0 {
		return r.end(n, s, p.cause), true
	}
	return Step{}, false
}

// whole is how a node has ended that has tasks, the last of which ended so; 0 if
// it has not.
func (r *Run) whole(n uint32, last queue.State) queue.State {
	p, x := &r.nodes[n], &r.g.nodes[n]
	switch {
	case p.left > 0 || p.made < x.size && !r.cancelled:
		return 0
	case x.kind == Task:
		return last
	case p.made < x.size:
		return queue.Revoked
	case p.bad > 0:
		return queue.Failure
	}
	return queue.Success
}

func failed(s queue.State) bool {
	return s == queue.Failure || s == queue.Revoked || s == queue.UpstreamFailed
}

// end ends a node and tells those behind it.
func (r *Run) end(n uint32, state queue.State, cause uint32) Step {
	p := &r.nodes[n]
	p.state, p.cause = state, cause
	r.open--
	if failed(state) && !r.g.nodes[n].cb {
		r.failures++
		r.cause = min(r.cause, cause)
	}
	for _, d := range r.g.downsOf(n) {
		q := &r.nodes[d]
		q.counts.add(state)
		if q.state == 0 {
			if failed(state) {
				q.cause = min(q.cause, cause)
			}
			r.mark(d)
		}
	}
	return Step{Node: n, State: state, Cause: cause}
}

func (c *Counts) add(s queue.State) {
	switch s {
	case queue.Success:
		c.Success++
	case queue.Skipped:
		c.Skipped++
	case queue.UpstreamFailed:
		c.UpstreamFailed++
	case queue.Removed:
		c.Removed++
	default:
		c.Failed++
	}
}

// Cancel lets nothing begin any more: what waits ends as revoked, by the steps
// that NextCancelled gives.
func (r *Run) Cancel() { r.CancelFrom(0) }

// CancelFrom goes on with a cancel at the place it had come to.
func (r *Run) CancelFrom(place uint32) {
	r.look = nil // the marks of what was in it mean nothing any more
	r.cancelled, r.cancel = true, place
}

// CancelPlace is how far a cancel has come: nodes below it have been dealt with.
func (r *Run) CancelPlace() uint32 { return r.cancel }

// Cancelled reports whether Cancel was called.
func (r *Run) Cancelled() bool { return r.cancelled }

// NextCancelled is, in a cancelled run, the next node to be dealt with: one
// that waited has ended as revoked; of one that has tasks (State is 0) the
// driver revokes them. Where so many before it need nothing, that is a step of
// its own, without a node (NoNode): nobody should look at all at once.
func (r *Run) NextCancelled(most int) (Step, bool) {
	for end := r.cancel + uint32(most); r.cancel < uint32(len(r.nodes)); {
		if r.cancel == end {
			return Step{Node: NoNode, Cause: NoNode}, true
		}
		n := r.cancel
		r.cancel++
		p := &r.nodes[n]
		switch {
		case p.state.Final():
		case p.left > 0:
			return Step{Node: n, Cause: NoNode}, true
		case r.g.nodes[n].kind == Task:
			p.bad = 1
			return r.endWithout(n, queue.Revoked, r.g.nodes[n].base), true
		default: // waiting, or a map cut off between two items
			return r.end(n, queue.Revoked, p.cause), true
		}
	}
	return Step{}, false
}

// Done reports whether every node has ended.
func (r *Run) Done() bool { return r.open == 0 }

// Open is how many nodes have not ended.
func (r *Run) Open() int { return r.open }

// Outcome is how a run that is done has ended, and the task that made it fail.
func (r *Run) Outcome() (queue.State, uint32) {
	switch {
	case r.cancelled:
		return queue.Revoked, r.cause
	case r.failures > 0:
		return queue.Failure, r.cause
	}
	return queue.Success, NoNode
}

// State is where a node stands, 0 while it waits; made is how many of its tasks
// exist or have ended, cause the task that made it fail, or NoNode.
func (r *Run) State(n uint32) (state queue.State, made, cause uint32) {
	p := &r.nodes[n]
	return p.state, p.made, p.cause
}

// Cause is the task that made an ended node fail, or NoNode.
func (r *Run) Cause(n uint32) uint32 { return r.nodes[n].cause }

// RestoreTask tells a new run of a task that exists (state is not final) or has
// ended, and of one that ended without having run, what made it so.
func (r *Run) RestoreTask(ordinal uint32, state queue.State, cause uint32) {
	n, index := r.g.At(ordinal)
	if n == NoNode {
		return
	}
	p := &r.nodes[n]
	p.made = max(p.made, index+1) // tasks are made in order
	switch {
	case !state.Final():
		p.left++
	case state == queue.UpstreamFailed:
		p.cause = cause
	case failed(state):
		p.bad++
		p.cause = min(p.cause, ordinal)
	}
	if p.state = queue.Pending; state.Final() && r.g.nodes[n].kind == Task {
		p.state = state
	}
}

// RestoreNode tells a new run, after its tasks, of a join or a map that has
// ended.
func (r *Run) RestoreNode(n uint32, state queue.State, cause uint32) {
	if n < uint32(len(r.nodes)) {
		r.nodes[n].state, r.nodes[n].cause = state, cause
	}
}

// Settle ends the restoring: from here on the run is as the one was that is
// restored.
func (r *Run) Settle(cancelled bool) {
	r.cancelled = cancelled
	for i := range r.nodes {
		n, p := uint32(i), &r.nodes[i]
		state := p.state
		if state == queue.Pending {
			if p.made < r.g.nodes[n].size {
				r.mark(n)
			} else {
				state = r.whole(n, 0)
			}
		}
		if state.Final() {
			r.end(n, state, p.cause)
		}
	}
	r.forgetIdle()
}

// forgetIdle leaves in the lookout what has something to do: of the rest the run
// that is restored has seen as much.
func (r *Run) forgetIdle() {
	var look lookout // in order, thus a heap
	for i := range r.nodes {
		p, x := &r.nodes[i], &r.g.nodes[i]
		if !p.marked {
			continue
		}
		p.marked = p.state == 0 && x.rule.Judge(p.counts) != Wait || p.state == queue.Pending && p.made < x.size
		if p.marked {
			look = append(look, uint32(i))
		}
	}
	r.look = look
}
