package host

import (
	"runtime"
	"time"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/frame"
)

// maybeStart starts another child for m if that helps: the first at once, more
// when jobs have waited for longer than a start takes.
func (l *loop) maybeStart(m *module, yield bool) {
	brisk, fit := 0, 0 // children that are not held up, and that would do
	need := m.waiting[0].a.memory()
	for _, c := range m.children {
		if c.dying != "" {
			continue
		}
		if l.headTime(c) < slowHead {
			brisk++
		}
		if c.memory >= need {
			fit++
		}
	}
	waited := time.Duration(l.now - m.waiting[0].since)
	switch {
	case m.starting >= startsAtOnce || m.starting >= len(m.waiting):
		return
	case fit == 0 && m.starting == 0:
	case yield || waited < slowHead:
		return
	case m.mean > 0 && m.mean < int64(quick) && brisk+m.starting >= runtime.NumCPU():
		return
	}
	if l.mayBegin(m.memory+childOverhead, nil) {
		l.start(m)
	}
}

// start starts a child for m.
func (l *loop) start(m *module) {
	h, mod, memory := l.h, m.Module, m.memory
	dir, err := h.compiler.directory(mod)
	if err != nil {
		l.failAll(m, queue.ErrUnavailable, err.Error())
		return
	}
	l.starting++
	m.starting++
	h.work.Go(func() {
		p, err := h.spawner.start(&spec{args: h.cfg.SandboxArgs, module: mod.Path, dir: dir})
		h.post(startedEvent{m: m, p: p, err: err, memory: memory})
	})
}

type startedEvent struct {
	m      *module
	p      *proc
	err    error
	memory int64
}

func (e startedEvent) apply(l *loop) {
	m := e.m
	l.starting--
	m.starting--
	if e.err != nil {
		l.startFailed(m, e.err.Error())
		return
	}
	c := &child{
		proc: e.p, m: m, memory: e.memory, first: 1, started: l.now, idle: l.now,
		room: make(chan struct{}, framesAhead), killed: make(chan struct{}),
	}
	l.children = append(l.children, c)
	m.children = append(m.children, c)
	load := frame.Load{Reactor: m.Kind == KindReactor, Memory: c.memory, Slack: mapSlack + MaxMemoryLimit - c.memory}
	c.out = frame.End(load.Append(frame.Begin(c.out, frame.KindLoad)))
	c.write(l.h)
	l.h.work.Go(func() { c.read(l.h) })
}
