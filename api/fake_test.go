package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// fake is a node of plain maps: enough of the state machine's manners for the
// edge to be looked at alone.
type fake struct {
	mu    sync.Mutex
	index uint64
	now   int64
	tasks map[queue.ID]*fakeTask
	order []queue.ID
	docs  map[string][]command.Document
	idem  map[string]fakeIdem
	stage map[queue.ID][]command.Calls
	runs  []*fakeRun
	onWay map[queue.ID]*fakeRun // by stage
	blobs map[string][]byte

	events   []Event           // what FollowEvents knows
	gone     string            // an id after which events are gone
	log      string            // what TaskLog writes
	offered  []wire.ModuleTask // what uploads say beside main
	more     chan string       // what it writes when it follows
	failWith error             // what Propose answers
	given    func(queue.ID) (queue.Payload, error)
	notReady error       //
	joined   []wire.Join //
	removed  []string    //
	moved    []string    //
	workers  []queue.WorkerView
	synced   []Consistency // levels asked for
	proposed []command.Command
	keep     bool // remember what was proposed
	waiting  atomic.Int32
	clock    fakeClock // its schedules
	lags     bool      // Sync does not come to any index
}

type fakeTask struct {
	queue.Detail
	ended chan struct{}
}

type fakeIdem struct {
	body [16]byte
	ids  []queue.ID
}

func newFake() *fake {
	f := &fake{now: 1_700_000_000e9, tasks: map[queue.ID]*fakeTask{}, docs: map[string][]command.Document{}, idem: map[string]fakeIdem{},
		stage: map[queue.ID][]command.Calls{}, onWay: map[queue.ID]*fakeRun{}, blobs: map[string][]byte{}, more: make(chan string)}
	f.put(&command.PutDocument{Kind: command.KindModule, Namespace: "default", Name: "etl", Digest: "sha256:" + strings.Repeat("0", 64),
		Body: []byte(`{"kind":"reactor","size":9}`), Attributes: command.Attributes{Tasks: []string{"load", "main"}}})
	return f
}

func (f *fake) Propose(ctx context.Context, c command.Command) (command.Result, uint64, error) {
	if err := ctx.Err(); err != nil {
		return command.Result{}, 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failWith != nil {
		return command.Result{}, 0, f.failWith
	}
	// What cannot be written and read again must not be accepted.
	c, err := command.Decode(bytes.Clone(command.Encode(0, c)))
	if err != nil {
		return command.Result{}, 0, err
	}
	if f.keep {
		f.proposed = append(f.proposed, c)
	}
	f.index++
	f.now += 1e6
	r := f.apply(c)
	return r, f.index, nil
}

func (f *fake) apply(c command.Command) command.Result {
	if r, ok := f.clock.apply(f.index, f.now, c); ok {
		return r
	}
	switch c := c.(type) {
	case *command.Submit:
		return f.submit(c.Namespace, []command.Calls{c.Calls}, c.Runs, nil, c.Idem)
	case *command.Stage:
		if int(c.Part) != len(f.stage[c.Stage]) {
			return command.Result{Code: command.CodeStage, Detail: "parts out of order"}
		}
		f.stage[c.Stage] = append(f.stage[c.Stage], c.Calls)
		if c.Run != nil {
			if r, ok := f.replay(c.Namespace, c.Idem); ok {
				return r
			}
			r, refused := f.addRun(c.Namespace, f.onWay[c.Stage], c.Run)
			f.onWay[c.Stage] = r
			return refused
		}
		return command.Result{}
	case *command.SubmitStaged:
		if int(c.Parts) != len(f.stage[c.Stage]) {
			return command.Result{Code: command.CodeStage, Detail: "parts are missing"}
		}
		return f.submit(c.Namespace, f.stage[c.Stage], nil, f.onWay[c.Stage], c.Idem)
	case *command.SteerRun:
		return f.once(c.Namespace, c.Idem, func() command.Result { return f.steer(c) })
	case *command.RevokeMany:
		var out command.Result
		for i, id := range c.IDs {
			if r := f.revoke(&command.Revoke{Namespace: c.Namespace, ID: id, Terminate: c.Terminate}); r.Code != command.OK {
				out.Refused = append(out.Refused, uint32(i))
			}
		}
		return out
	case *command.Revoke:
		return f.once(c.Namespace, c.Idem, func() command.Result { return f.revoke(c) })
	case *command.PutDocument:
		return f.once(c.Namespace, c.Idem, func() command.Result { return f.put(c) })
	case *command.DeleteDocument:
		return f.remove(c)
	case *command.Purge:
		return f.once(c.Namespace, c.Idem, func() command.Result { return f.purge(c) })
	}
	panic(fmt.Sprintf("unexpected command %T", c))
}

// replay is what an idempotency key that is known answers.
func (f *fake) replay(namespace string, idem *command.Idempotency) (command.Result, bool) {
	if idem == nil {
		return command.Result{}, false
	}
	e, ok := f.idem[namespace+"|"+idem.Route+"|"+idem.Key]
	if ok && e.body != idem.Body {
		return command.Result{Code: command.CodeIdempotency, Detail: "another body"}, true
	}
	return command.Result{Replayed: ok, IDs: e.ids}, ok
}

func (f *fake) Answered(namespace string, idem *command.Idempotency) (command.Result, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.replay(namespace, idem)
}

func (f *fake) once(namespace string, idem *command.Idempotency, do func() command.Result) command.Result {
	if r, known := f.replay(namespace, idem); known {
		return r
	}
	r := do()
	if idem != nil && r.Code == command.OK {
		f.idem[namespace+"|"+idem.Route+"|"+idem.Key] = fakeIdem{idem.Body, nil}
	}
	return r
}

func (f *fake) purge(c *command.Purge) command.Result {
	for _, t := range f.tasks {
		if t.Spec.Namespace == c.Namespace && t.Spec.Queue == c.Queue && t.State == queue.Pending {
			f.end(t, queue.Revoked)
		}
	}
	return command.Result{}
}

func (f *fake) submit(namespace string, parts []command.Calls, news []command.NewRun, staged *fakeRun, idem *command.Idempotency) command.Result {
	if r, ok := f.replay(namespace, idem); ok {
		return r
	}
	var runs []*fakeRun
	for i := range news {
		r, refused := f.addRun(namespace, nil, &news[i])
		if refused.Code != command.OK {
			return refused
		}
		runs = append(runs, r)
	}
	if staged != nil {
		runs = append(runs, staged)
	}
	var ids []queue.ID
	for _, calls := range parts {
		for i := range calls.Specs {
			if r := f.check(&calls.Specs[i]); r.Code != command.OK {
				return r
			}
		}
		for i := range calls.List {
			for _, t := range f.tasks {
				if u := calls.List[i].UniqueKey; u != "" && t.UniqueKey == u && !t.State.Final() {
					return command.Result{Code: command.CodeDuplicate, IDs: []queue.ID{t.ID}, Detail: "unfinished"}
				}
			}
		}
	}
	for _, calls := range parts {
		for i := range calls.List {
			ids = append(ids, f.make(&calls.List[i], calls.Specs[calls.List[i].Spec]))
		}
	}
	for _, r := range runs {
		f.beginRun(r)
		ids = append(ids, r.ID)
	}
	if idem != nil {
		f.idem[namespace+"|"+idem.Route+"|"+idem.Key] = fakeIdem{idem.Body, ids}
	}
	return command.Result{}
}

func (f *fake) check(s *queue.Spec) command.Result {
	vs := f.docs[docKey(command.KindModule, s.Namespace, s.Module)]
	if len(vs) == 0 {
		return command.Result{Code: command.CodeModuleNotFound, Detail: "no module " + s.Module}
	}
	if !slices.Contains(vs[len(vs)-1].Attributes.Tasks, s.Task) {
		return command.Result{Code: command.CodeTaskNotFound, Detail: "no task " + s.Task}
	}
	if s.Version == 0 {
		s.Version = vs[len(vs)-1].Version
	}
	return command.Result{}
}

func (f *fake) make(c *command.Call, s queue.Spec) queue.ID {
	p, err := queue.DecodePayload(c.Payload)
	if err != nil {
		panic(err)
	}
	t := &fakeTask{ended: make(chan struct{})}
	t.Detail = queue.Detail{Payload: p, View: queue.View{ID: c.ID, Spec: s, State: queue.Pending, CreatedAt: f.now,
		ReadyAt: max(f.now+c.Countdown, c.ETA), UniqueKey: c.UniqueKey, FairnessKey: c.FairnessKey, ConcurrencyKey: c.ConcurrencyKey,
		ConcurrencyLimit: c.ConcurrencyLimit, ReplayOf: c.Replays, Shadow: c.Shadow, DebounceKey: c.Debounce.Key}}
	if d := f.tasks[c.Replays]; d != nil {
		d.ReplayedAs = c.ID
	}
	f.tasks[c.ID] = t
	f.order = append(f.order, c.ID)
	return c.ID
}

func (f *fake) end(t *fakeTask, s queue.State) {
	t.State = s
	t.FinishedAt = f.now
	close(t.ended)
	f.endedTask(t)
}

// finish ends a task from a test.
func (f *fake) finish(id queue.ID, s queue.State, result string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.index++
	t := f.tasks[id]
	t.Result = []byte(result)
	f.end(t, s)
}

func (f *fake) revoke(c *command.Revoke) command.Result {
	t := f.tasks[c.ID]
	if t == nil || t.Spec.Namespace != c.Namespace || t.State.Final() {
		return command.Result{Code: command.CodeNotFound, Detail: "no unfinished task"}
	}
	if t.State == queue.Received && !c.Terminate {
		return command.Result{Code: command.CodeRunning, Detail: "it runs; terminate it"}
	}
	f.end(t, queue.Revoked)
	return command.Result{}
}

func docKey(kind, ns, name string) string { return kind + "|" + ns + "|" + name }

func (f *fake) put(c *command.PutDocument) command.Result {
	k := docKey(c.Kind, c.Namespace, c.Name)
	vs := f.docs[k]
	d := command.Document{Kind: c.Kind, Namespace: c.Namespace, Name: c.Name, Digest: c.Digest, Body: c.Body, Attributes: c.Attributes, CreatedAt: f.now, Version: 1}
	if n := len(vs); n > 0 {
		if c.IfVersion != 0 && c.IfVersion != vs[n-1].Version {
			return command.Result{Code: command.CodeConflict}
		}
		if c.Kind == command.KindModule && vs[n-1].Digest == c.Digest {
			return command.Result{Version: vs[n-1].Version}
		}
		d.Version = vs[n-1].Version + 1
	}
	if c.Kind != command.KindModule {
		vs = nil
	}
	f.docs[k] = append(vs, d)
	return command.Result{Version: d.Version, Created: true}
}

func (f *fake) remove(c *command.DeleteDocument) command.Result {
	k := docKey(c.Kind, c.Namespace, c.Name)
	if len(f.docs[k]) == 0 {
		return command.Result{Code: command.CodePoolNotFound, Detail: "nothing of this name"}
	}
	for _, t := range f.tasks {
		if c.Kind == command.KindModule && t.Spec.Module == c.Name && !t.State.Final() {
			return command.Result{Code: command.CodeInUse, Detail: "1 unfinished task needs it"}
		}
	}
	delete(f.docs, k)
	return command.Result{}
}

func (f *fake) Index() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.index
}

func (f *fake) Sync(ctx context.Context, minIndex uint64, level Consistency) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if minIndex > f.index || f.lags && minIndex > 0 {
		return 0, context.DeadlineExceeded
	}
	f.synced = append(f.synced, level)
	return f.index, ctx.Err()
}

func (f *fake) TaskState(namespace string, id queue.ID) (queue.View, bool, error) {
	d, ok, err := f.Task(namespace, id)
	return d.View, ok, err
}

func (f *fake) Task(namespace string, id queue.ID) (queue.Detail, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.tasks[id]
	if t == nil || t.Spec.Namespace != namespace {
		return queue.Detail{}, false, nil
	}
	return t.Detail, true, nil
}

func (f *fake) list(l queue.Filter, dead bool) (Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var p Page
	for i := len(f.order) - 1; i >= 0; i-- {
		t := f.tasks[f.order[i]]
		name := t.Spec.Module + "." + t.Spec.Task
		switch {
		case t.Spec.Namespace != l.Namespace, dead != t.Dead && dead,
			!l.Before.IsZero() && t.ID.Compare(l.Before) >= 0,
			len(l.States) > 0 && !slices.Contains(l.States, t.State),
			l.Queue != "" && l.Queue != t.Spec.Queue, !labelled(t.Payload.Labels, l.Labels),
			l.Task != "" && l.Task != name && (!strings.HasSuffix(l.Task, ".") || !strings.HasPrefix(name, l.Task)),
			t.CreatedAt < l.Since, l.Until != 0 && t.CreatedAt >= l.Until:
			continue
		}
		if len(p.Items) == l.Limit {
			p.Next = p.Items[len(p.Items)-1].ID
			break
		}
		p.Items = append(p.Items, t.View)
	}
	return p, nil
}

func labelled(raw []byte, want map[string]string) bool {
	has := map[string]string{}
	_ = json.Unmarshal(raw, &has) // none is an empty one
	for k, v := range want {
		if got, ok := has[k]; !ok || got != v {
			return false
		}
	}
	return true
}

func (f *fake) Tasks(_ context.Context, l queue.Filter) (Page, error) { return f.list(l, false) }
func (f *fake) Dead(_ context.Context, l queue.Filter) (Page, error)  { return f.list(l, true) }

func (f *fake) WaitTask(ctx context.Context, namespace string, id queue.ID) error {
	f.mu.Lock()
	t := f.tasks[id]
	f.mu.Unlock()
	if t == nil {
		return nil
	}
	f.waiting.Add(1)
	select {
	case <-t.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fake) Queues(namespace string) []queue.QueueView {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := map[string]bool{}
	for _, t := range f.tasks {
		names[t.Spec.Queue] = true
	}
	for k := range f.docs {
		if rest, ok := strings.CutPrefix(k, "queue|"+namespace+"|"); ok {
			names[rest] = true
		}
	}
	var list []queue.QueueView
	for n := range names {
		list = append(list, f.queueView(namespace, n))
	}
	slices.SortFunc(list, func(a, b queue.QueueView) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (f *fake) queueView(namespace, name string) queue.QueueView {
	v := queue.QueueView{Namespace: namespace, Name: name}
	for _, t := range f.tasks {
		if t.Spec.Queue == name && t.Spec.Namespace == namespace && t.State == queue.Pending {
			v.Pending++
			v.OldestReadyAt = t.ReadyAt
		}
	}
	if d := f.docs[docKey(command.KindQueue, namespace, name)]; len(d) > 0 {
		a := d[len(d)-1].Attributes
		v.Paused, v.Rate, v.DeadTTL = a.Paused, queue.Rate{N: a.RateN, Per: a.RatePer}, a.DeadTTL
	}
	return v
}

func (f *fake) Queue(namespace, name string) (queue.QueueView, bool) {
	for _, q := range f.Queues(namespace) {
		if q.Name == name {
			return q, true
		}
	}
	return queue.QueueView{}, false
}

func (f *fake) Pools(namespace string) []queue.PoolView {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []queue.PoolView
	for k, d := range f.docs {
		if name, ok := strings.CutPrefix(k, "pool|"+namespace+"|"); ok {
			list = append(list, queue.PoolView{Namespace: namespace, Name: name, Slots: d[0].Attributes.Slots})
		}
	}
	slices.SortFunc(list, func(a, b queue.PoolView) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (f *fake) Pool(namespace, name string) (queue.PoolView, bool) {
	for _, p := range f.Pools(namespace) {
		if p.Name == name {
			return p, true
		}
	}
	return queue.PoolView{}, false
}

func (f *fake) Workers() []queue.WorkerView { return f.workers }

func (f *fake) Document(kind, namespace, name string, version uint32) (command.Document, bool) {
	if kind == command.KindWebhook {
		if f.clock.machine == nil {
			return command.Document{}, false
		}
		return f.clock.machine.Document(kind, namespace, name, version)
	}
	for _, d := range slices.Backward(f.Versions(kind, namespace, name)) {
		if version == 0 || d.Version == version {
			return d, true
		}
	}
	return command.Document{}, false
}

func (f *fake) Documents(kind, namespace, after string, limit int) []command.Document {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []command.Document
	for k, vs := range f.docs {
		if name, ok := strings.CutPrefix(k, kind+"|"+namespace+"|"); ok && name > after {
			list = append(list, vs[len(vs)-1])
		}
	}
	slices.SortFunc(list, func(a, b command.Document) int { return strings.Compare(a.Name, b.Name) })
	return list[:min(limit, len(list))]
}

func (f *fake) Versions(kind, namespace, name string) []command.Document {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.docs[docKey(kind, namespace, name)])
}

func (f *fake) Accept(_ context.Context, _, _ string, body io.Reader) (wire.Module, error) {
	b, err := io.ReadAll(body)
	if err != nil {
		return wire.Module{}, err
	}
	if !bytes.HasPrefix(b, []byte("\x00asm")) {
		return wire.Module{}, &Error{Code: wire.CodeInvalidModule, Detail: "the bytes do not begin with \\0asm; upload a Wasm module"}
	}
	digest := f.keepBlob(b)
	return wire.Module{Digest: digest, Size: int64(len(b)), Kind: "command", Tasks: append([]wire.ModuleTask{{Name: "main"}}, f.offered...)}, nil
}

func (f *fake) keepBlob(b []byte) string {
	sum := sha256.Sum256(b)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blobs[digest] = b
	return digest
}

func (f *fake) Put(_ context.Context, body io.Reader, want string) (string, int64, error) {
	b, err := io.ReadAll(body)
	if err != nil {
		return "", 0, err
	}
	digest := f.keepBlob(b)
	if want != "" && want != digest {
		return "", 0, fmt.Errorf("put: %w", ErrDigest)
	}
	return digest, int64(len(b)), nil
}

func (f *fake) Open(_ context.Context, digest string) (io.ReadCloser, int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.blobs[digest]
	if !ok {
		return nil, 0, ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
}

func (f *fake) TaskLog(ctx context.Context, _ string, _ queue.ID, q LogQuery, to LogSink) error {
	at := LogPlace{Attempt: 1, Worker: "w-1"}
	write := func(s string) error {
		at.Offset += int64(len(s))
		if skip := q.After.Offset - at.Offset + int64(len(s)); q.After.Attempt == 1 && skip > 0 {
			s = s[min(skip, int64(len(s))):]
		}
		if progress, ok := strings.CutPrefix(s, "progress "); ok {
			return to.Progress(1, []byte(progress))
		}
		return to.Log(at, []byte(s))
	}
	if err := write(f.log); err != nil || !q.Follow {
		return err
	}
	for {
		select {
		case line, ok := <-f.more:
			if !ok {
				return nil
			}
			if err := write(line); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *fake) Status(context.Context) (wire.Cluster, error) {
	return wire.Cluster{Leader: "n1", Term: 2, Node: "n1", Nodes: []wire.Node{{ID: "n1", Role: "all", State: "leader", Voter: true}}}, nil
}

func (f *fake) Join(ctx context.Context, j wire.Join) (wire.Cluster, error) {
	f.joined = append(f.joined, j)
	return f.Status(ctx)
}

func (f *fake) Transfer(_ context.Context, to string) error {
	if to == "nobody" {
		return ErrNotFound
	}
	f.moved = append(f.moved, to)
	return nil
}

func (f *fake) Remove(_ context.Context, node string) error {
	if node == "boom" {
		return errors.New("secret of the node")
	}
	if node == "panic" {
		panic("secret of the node")
	}
	f.removed = append(f.removed, node)
	return nil
}

func (f *fake) Ready() error { return f.notReady }

func (f *fake) WriteMetrics(w io.Writer) error {
	_, err := io.WriteString(w, "windrow_up 1\n")
	return err
}

func (f *fake) NewestEvent() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 0 {
		return "0-0"
	}
	return f.events[len(f.events)-1].ID
}

// FollowEvents gives what there is and then waits.
func (f *fake) FollowEvents(ctx context.Context, after string, fn func(*Event) error, idle func() error) error {
	f.mu.Lock()
	list, gone := f.events, f.gone
	f.mu.Unlock()
	if gone != "" && after == gone {
		return ErrEventsGone
	}
	from := 0
	for i := range list {
		if list[i].ID == after {
			from = i + 1
		}
	}
	for i := range list[from:] {
		if err := fn(&list[from+i]); err != nil {
			return err
		}
	}
	if err := idle(); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}
