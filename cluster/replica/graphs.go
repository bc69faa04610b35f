package replica

import (
	"errors"
	"fmt"
	"sync"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

// errNoRun says that a run is not known, or not any more.
var errNoRun = errors.New("no such run")

// keptParts is how many decoded parts of graphs are kept: tasks of one part are
// handed out one after another.
const keptParts = 64

// graphs keeps what was read last of the stored graphs.
type graphs struct {
	mu    sync.Mutex
	parts map[partName]*command.GraphPart
	order []partName // oldest first
	whole map[queue.ID]state.RunGraph
}

type partName struct {
	run  queue.ID
	part int
}

// part is a stored part of a run's graph.
func (r *Replica) part(run queue.ID, n int) (*command.GraphPart, error) {
	c := &r.graphs
	name := partName{run, n}
	c.mu.Lock()
	p := c.parts[name]
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	raw, err := r.Store().Get(state.GraphKey(r.opt.Shard, run, uint32(n)))
	if err != nil {
		return nil, fmt.Errorf("part %d of the graph of run %s: %w", n, run, err)
	}
	made, err := command.DecodeGraphPart(raw)
	if err != nil {
		return nil, fmt.Errorf("part %d of the graph of run %s: %w", n, run, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parts == nil {
		c.parts = map[partName]*command.GraphPart{}
	}
	if c.parts[name] == nil {
		c.order = append(c.order, name)
	}
	c.parts[name] = &made
	for len(c.order) > keptParts {
		delete(c.parts, c.order[0])
		c.order = c.order[1:]
	}
	return &made, nil
}

// graph is a run's graph: the machine's, or of a run that has ended one that is
// put together anew. The last of those is kept.
func (r *Replica) graph(run queue.ID) (state.RunGraph, error) {
	if g, ok := r.Machine().RunGraph(run); ok {
		return g, nil
	}
	c := &r.graphs
	c.mu.Lock()
	g, ok := c.whole[run]
	c.mu.Unlock()
	if ok {
		return g, nil
	}
	var parts []command.GraphPart
	var bad error
	err := r.Store().Scan(state.GraphPrefix(r.opt.Shard, run), nil, false, func(_, v []byte) bool {
		var p command.GraphPart
		if p, bad = command.DecodeGraphPart(append([]byte(nil), v...)); bad != nil {
			return false
		}
		parts = append(parts, p)
		return true
	})
	if err = errors.Join(err, bad); err != nil {
		return g, fmt.Errorf("the graph of run %s: %w", run, err)
	}
	if len(parts) == 0 {
		return g, fmt.Errorf("run %s: %w", run, errNoRun)
	}
	if g, err = state.NewRunGraph(parts); err != nil {
		return g, fmt.Errorf("the graph of run %s: %w", run, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.whole = map[queue.ID]state.RunGraph{run: g}
	return g, nil
}
