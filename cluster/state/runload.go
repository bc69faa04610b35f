package state

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

const (
	runPaused = 1 << iota
	runCancelled
	runStaged
)

// record is an unfinished run as it is stored; its graph and what has ended of
// it have records of their own.
func (r *run) record() []byte {
	var flags byte
	if r.paused {
		flags |= runPaused
	}
	if r.progress == nil {
		flags |= runStaged
	} else if r.progress.Cancelled() {
		flags |= runCancelled
	}
	w := command.NewWriter(nil)
	w.Byte(flags)
	w.ID(r.id)
	w.String(r.namespace)
	w.String(r.kind)
	w.Bytes(r.meta)
	w.Int(r.ttl)
	w.Int(r.created)
	w.Int(r.keep)
	w.ID(r.parent)
	w.Uint(uint64(r.depth))
	w.Uint(r.order)
	w.Int(r.due)
	w.Uint(uint64(r.kept))
	var cancelled uint32
	if r.progress != nil {
		cancelled = r.progress.CancelPlace()
	}
	for _, n := range [...]uint32{cancelled, r.revoking.at, r.revoking.end} {
		w.Uint(uint64(n))
	}
	stage := queue.ID{}
	if r.stage != nil {
		stage = r.stage.id
	}
	w.ID(stage)
	return w.Done()
}

// loadRun rebuilds a run up to what its tasks tell.
func (m *Machine) loadRun(v []byte, scan Scan) (*run, error) {
	rd := command.NewReader(v)
	flags := rd.Byte()
	r := &run{id: rd.ID(), namespace: rd.String(), kind: rd.String(), meta: slices.Clone(rd.Bytes()), ttl: rd.Int(), created: rd.Int(), keep: rd.Int(), parent: rd.ID(),
		depth: rd.Uint32(), order: rd.Uint(), due: rd.Int(), kept: int(rd.Uint32()), paused: flags&runPaused != 0}
	cancelled := rd.Uint32()
	r.revoking = span{rd.Uint32(), rd.Uint32()}
	r.stage = m.stages[rd.ID()]
	if err := rd.Err("run"); err != nil {
		return nil, err
	}
	err := scan(idKey(m.shard, kindGraph, r.id), func(_, v []byte) error {
		p, err := command.DecodeGraphPart(slices.Clone(v))
		if err != nil {
			return err
		}
		return m.addPart(r, &p)
	})
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", r.id, err)
	}
	m.runs[r.id] = r
	if r.stage != nil {
		r.stage.run = r
	}
	if r.kept > len(r.blobs) {
		return nil, fmt.Errorf("run %s: %w", r.id, command.ErrDamaged)
	}
	m.unref(r.blobs[:r.kept])
	if flags&runStaged == 0 {
		r.progress = workflow.NewRun(r.graph.Graph())
		if flags&runCancelled != 0 {
			r.progress.CancelFrom(cancelled)
		}
	}
	return r, nil
}

// loadProgress tells a loaded run how its tasks and joins have ended. The tasks
// that are alive have been told already.
func (m *Machine) loadProgress(r *run, scan Scan) error {
	cancelled := r.progress.Cancelled()
	prefix := FinishedKey(m.shard, r.id)
	err := scan(prefix[:len(prefix)-4], func(_, v []byte) error {
		t, _, err := DecodeTask(v)
		if err == nil && m.tasks[t.ID] == nil {
			r.progress.RestoreTask(t.ID.Ordinal()-1, t.State, t.Cause.Ordinal()-1)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = scan(idKey(m.shard, kindNode, r.id), func(key, v []byte) error {
		if len(key) != 3+16+4 {
			return fmt.Errorf("%w: node key", command.ErrDamaged)
		}
		state, cause, err := DecodeNode(v)
		r.progress.RestoreNode(binary.BigEndian.Uint32(key[19:]), state, cause)
		return err
	})
	r.progress.Settle(cancelled)
	return err
}

// DecodeNode reads how a join or a map has ended, and the task that made it
// fail, by ordinal, or workflow.NoNode.
func DecodeNode(v []byte) (queue.State, uint32, error) {
	var state, cause int64
	err := readInts(v, &state, &cause)
	return queue.State(state), uint32(cause), err
}

// loadRuns ties the loaded runs to their tasks.
func (m *Machine) loadRuns(tasks []*task, scan Scan) error {
	for _, t := range tasks {
		if r := m.runs[t.id.Run()]; t.flags&flagRun != 0 && r != nil && r.progress != nil {
			r.progress.RestoreTask(t.id.Ordinal()-1, t.state, workflow.NoNode)
		}
	}
	for _, r := range m.runsInOrder() {
		if r.progress == nil {
			continue
		}
		if err := m.loadProgress(r, scan); err != nil {
			return fmt.Errorf("run %s: %w", r.id, err)
		}
		if r.order != 0 {
			m.work.jobs = append(m.work.jobs, r)
		}
	}
	return nil
}

func (m *Machine) runsInOrder() []*run {
	return sortedKeys(m.runSet(), func(a, b *run) int { return a.id.Compare(b.id) })
}

func (m *Machine) runSet() map[*run]bool {
	set := make(map[*run]bool, len(m.runs))
	for _, r := range m.runs { // order: a set
		set[r] = true
	}
	return set
}

// appendRun writes an ended run.
func appendRun(dst []byte, v *workflow.View, parts uint32) []byte {
	w := command.NewWriter(dst)
	w.Byte(1)
	w.ID(v.ID)
	w.String(v.Namespace)
	w.String(v.Kind)
	w.Byte(byte(v.State))
	w.Int(v.CreatedAt)
	w.Int(v.FinishedAt)
	w.Int(v.RemovedAt)
	w.Bytes(v.Meta)
	w.Uint(uint64(v.Nodes))
	w.Uint(uint64(v.Tasks))
	w.ID(v.Cause)
	w.Uint(uint64(parts))
	return w.Done()
}

// DecodeRun reads an ended run; Meta aliases b.
func DecodeRun(b []byte) (workflow.View, error) {
	r := command.NewReader(b)
	if r.Byte() != 1 {
		r.Fail()
	}
	v := workflow.View{ID: r.ID(), Namespace: r.String(), Kind: r.String(), State: workflow.RunState(r.Byte()), CreatedAt: r.Int(),
		FinishedAt: r.Int(), RemovedAt: r.Int(), Meta: r.Bytes(), Nodes: r.Uint32(), Tasks: r.Uint32(), Cause: r.ID()}
	r.Uint()
	return v, r.Err("run")
}
