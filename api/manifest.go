package api

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/windrow-dev/windrow/api/params"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// manner is what a module says of calls of one task: which arguments it takes
// and which options they have unless they say otherwise. Nil says nothing.
type manner struct {
	params   *params.Schema
	defaults *wire.Call
}

// mannerOf reads it, or says what is wrong with it.
func mannerOf(t *wire.ModuleTask, l *Limits) (*manner, error) {
	m := &manner{}
	var err error
	if len(t.Params) > 0 && string(t.Params) != "null" {
		if m.params, err = params.Compile(t.Params); err != nil {
			return nil, fmt.Errorf("task %q: params: %w", t.Name, err)
		}
	}
	if len(t.Defaults) > 0 && string(t.Defaults) != "null" {
		if m.defaults, err = defaultsOf(t.Defaults, l); err != nil {
			return nil, fmt.Errorf("task %q: defaults: %w", t.Name, err)
		}
	}
	if m.params == nil && m.defaults == nil {
		return nil, nil
	}
	return m, nil
}

// maxDefaults bounds the defaults of one task.
const maxDefaults = 16 << 10

// defaultsOf reads options as strictly as those of a call.
func defaultsOf(raw []byte, l *Limits) (*wire.Call, error) {
	if len(raw) > maxDefaults {
		return nil, fmt.Errorf("they have %d bytes and may have %d", len(raw), maxDefaults)
	}
	var d wire.Call
	if err := d.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	for name, given := range map[string]bool{"task": d.Task != "", "args": d.Args != nil, "kwargs": d.Kwargs != nil, "input": d.Input != nil,
		"eta": d.ETA != nil, "countdown": d.Countdown != nil, "idempotency_key": d.IdempotencyKey != "", "unique_key": d.UniqueKey != "",
		"link": d.Link != nil, "link_error": d.LinkError != nil, "version": d.Version != 0, "immutable": d.Immutable,
		"headers": d.Headers != nil, "debounce": d.Debounce != nil, "throttle": d.Throttle != nil, "shadow": d.Shadow != ""} {
		if given {
			return nil, wrong(name, "is for a call to say; it has no default")
		}
	}
	probe := d
	probe.Task = "m.t"
	if _, err := specOf("default", &probe, l); err != nil {
		return nil, err
	}
	if _, err := callOf(&probe); err != nil {
		return nil, err
	}
	probe.Stdin = "" // depends on the input
	if _, err := payloadOf(&probe, l); err != nil {
		return nil, err
	}
	return &d, nil
}

// CheckTask says what is wrong with a task of a module's manifest: its schema or
// its defaults.
func CheckTask(t *wire.ModuleTask) error {
	var c Config
	c.defaults()
	_, err := mannerOf(t, &c.Limits)
	return err
}

// maxManifest bounds what the tasks of one module say together.
const maxManifest = 1 << 20

// checkTasks refuses a module whose tasks say what cannot be held.
func (s *Server) checkTasks(m *wire.Module) error {
	size := 0
	for i := range m.Tasks {
		size += len(m.Tasks[i].Description) + len(m.Tasks[i].Params) + len(m.Tasks[i].Defaults)
		if _, err := mannerOf(&m.Tasks[i], &s.cfg.Limits); err != nil {
			return refuse(wire.CodeInvalidModule, "%v", err)
		}
	}
	if size > maxManifest {
		return refuse(wire.CodeInvalidModule, "descriptions, params and defaults of its tasks have %d bytes together and may have %d", size, maxManifest)
	}
	return nil
}

// manners keeps what was read last, by the module's digest: the same bytes say
// the same.
type manners struct {
	mu    sync.Mutex
	by    map[mannerKey]*list.Element
	order list.List // of *mannerEntry, the latest first
	cost  int
}

type mannerKey struct{ digest, task string }

type mannerEntry struct {
	key    mannerKey
	manner *manner
	cost   int
}

// Bounds of the cache. A compiled schema takes some twenty times its text.
const (
	mannersCost = 64 << 20
	entryCost   = 512
	textCost    = 20
)

func (m *manners) get(k mannerKey) (*manner, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.by[k]
	if !ok {
		return nil, false
	}
	m.order.MoveToFront(e)
	return entryOf(e).manner, true
}

func (m *manners) put(k mannerKey, v *manner, cost int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.by[k]; ok {
		return
	}
	if m.by == nil {
		m.by = map[mannerKey]*list.Element{}
	}
	m.by[k] = m.order.PushFront(&mannerEntry{k, v, cost})
	for m.cost += cost; m.cost > mannersCost && m.order.Len() > 1; {
		last := m.order.Back()
		m.order.Remove(last)
		e := entryOf(last)
		delete(m.by, e.key)
		m.cost -= e.cost
	}
}

func entryOf(e *list.Element) *mannerEntry {
	return e.Value.(*mannerEntry) //nolint:forcetypeassert // put is the only one who puts in
}

// mannerAsked finds what the module says of a task. Where it does not know the
// module, this node may only be behind; so it catches up once. What remains
// unknown is for the state machine to refuse.
func (s *Server) mannerAsked(ctx context.Context, namespace, module, task string, version uint32) (*manner, error) {
	d, ok := s.node.Document(command.KindModule, namespace, module, version)
	if !ok {
		if _, err := s.node.Sync(ctx, 0, Linearizable); err != nil {
			return nil, err
		}
		if d, ok = s.node.Document(command.KindModule, namespace, module, version); !ok {
			return nil, nil
		}
	}
	if !slices.Contains(d.Attributes.Tasks, task) {
		return nil, nil
	}
	k := mannerKey{d.Digest, task}
	if m, ok := s.manners.get(k); ok {
		return m, nil
	}
	m, cost, err := s.readManner(&d, task)
	if err == nil {
		s.manners.put(k, m, cost)
	}
	return m, err
}

// readManner finds it in a module's document, with what it costs to keep.
func (s *Server) readManner(d *command.Document, task string) (m *manner, cost int, err error) {
	doc, err := moduleOf(d)
	if err != nil {
		return nil, 0, err
	}
	cost = entryCost
	for i := range doc.Tasks {
		t := &doc.Tasks[i]
		if t.Name != task {
			continue
		}
		cost += textCost * (len(t.Params) + len(t.Defaults))
		if m, err = mannerOf(t, &s.cfg.Limits); err != nil {
			// An upload would not be taken now, but it was.
			s.log.Warn("arguments are not checked", slog.String("module", d.Name), slog.Any("error", err))
		}
	}
	return m, cost, nil
}

// largeCheck is from where on arguments are checked one call at a time, and
// with room for what they take in memory.
const (
	largeCheck = 64 << 10
	checkRoom  = 16
)

// check holds a call's arguments to the task's schema.
func (s *Server) check(ctx context.Context, m *manner, c *wire.Call) error {
	n := int64(len(c.Input) + len(c.Args) + len(c.Kwargs))
	if m.params == nil {
		return nil
	}
	if n > largeCheck && n <= params.MaxChecked {
		if !s.bodies.take(n * checkRoom) {
			return refuse(wire.CodeBusy, "the node holds as many large bodies as it may; try again in a moment")
		}
		defer s.bodies.give(n * checkRoom)
		select {
		case s.checking <- struct{}{}:
			defer func() { <-s.checking }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := m.params.Check(c)
	var f *wire.FieldError
	if err != nil && !errors.As(err, &f) {
		return fmt.Errorf("check the arguments of %s: %w", c.Task, err)
	}
	return err
}

// fill gives a call the defaults of what it does not say.
func (m *manner) fill(c *wire.Call) {
	if m == nil || m.defaults == nil {
		return
	}
	d := m.defaults
	orDefault(&c.Queue, d.Queue)
	orDefault(&c.Priority, d.Priority)
	orDefault(&c.Expires, d.Expires)
	if c.SoftTimeout == nil && d.SoftTimeout != nil && (c.Timeout == nil || *d.SoftTimeout < *c.Timeout) {
		c.SoftTimeout = d.SoftTimeout
	}
	if c.Timeout == nil && d.Timeout != nil && (c.SoftTimeout == nil || *c.SoftTimeout < *d.Timeout) {
		c.Timeout = d.Timeout
	}
	orDefault(&c.Memory, d.Memory)
	orDefault(&c.Retry, d.Retry)
	orDefault(&c.Ack, d.Ack)
	orDefault(&c.MaxDeliveries, d.MaxDeliveries)
	orDefault(&c.ConcurrencyKey, d.ConcurrencyKey)
	orDefault(&c.FairnessKey, d.FairnessKey)
	orDefault(&c.RateLimit, d.RateLimit)
	if c.Pool == "" && c.PoolSlots == nil {
		c.PoolSlots = d.PoolSlots
	}
	if c.Pool == "" {
		c.Pool = d.Pool
	}
	c.IgnoreResult = c.IgnoreResult || d.IgnoreResult
	orDefault(&c.ResultTTL, d.ResultTTL)
	orDefault(&c.Output, d.Output)
	if c.Redact == nil {
		c.Redact = d.Redact
	}
	if c.Expected == nil {
		c.Expected = d.Expected
	}
	if c.Stdin == "" && len(c.Input) > 0 && c.Input[0] == '"' {
		c.Stdin = d.Stdin
	}
	if len(d.Labels) > 0 {
		labels := make(map[string]string, len(d.Labels)+len(c.Labels))
		maps.Copy(labels, d.Labels)
		maps.Copy(labels, c.Labels)
		c.Labels = labels
	}
}
