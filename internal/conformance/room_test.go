package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/replica"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/cluster/store"
	"github.com/windrow-dev/windrow/queue"
	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/workflow"
)

// room is the API in front of a machine and its store, in this process, with
// guests that are played. Nothing moves in it but by step. What canvases do not
// need of a node is missing.
type room struct {
	api.Node
	t      testing.TB
	dir    string
	client *windrow.Client
	rep    *replica.Replica
	// steered says that somebody ends tasks that run: what they give is refused.
	steered bool

	mu       sync.Mutex
	index    uint64
	now      int64
	assigned []state.Assigned
}

// modules are the guests that are played.
var modules = []string{"echo", "noop", "trap", "fail", "flaky"}

func newRoom(t testing.TB, dir string) *room {
	t.Helper()
	r := &room{t: t, dir: dir, now: 1e18}
	r.open()
	for _, name := range modules {
		r.must(&command.PutDocument{Kind: command.KindModule, Namespace: "default", Name: name, Digest: "sha256:00", Body: []byte(`{"kind":"command"}`),
			Attributes: command.Attributes{Tasks: []string{"main"}}})
	}
	s := r.must(&command.OpenSession{Worker: "w"}).Session
	r.must(&command.SetLimit{Session: s, Seq: 1, Running: 1 << 20})
	return r
}

// serve lets clients in, over loopback.
func (r *room) serve() {
	r.t.Helper()
	server, err := api.New(api.Config{Node: r, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		r.t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	r.client, err = windrow.New(windrow.Config{Servers: []string{"http://" + ln.Addr().String()}, RetryFor: -1})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		r.client.Close()
		if err := server.Shutdown(context.Background()); err != nil {
			r.t.Error(err)
		}
		if err := <-served; err != nil {
			r.t.Error(err)
		}
	})
}

func (r *room) open() {
	r.t.Helper()
	rep, err := replica.Open(replica.Options{
		Store:   store.Options{Dir: r.dir, MemTable: 8 << 20, Reserve: -1},
		Values:  none{},
		Logger:  slog.New(slog.DiscardHandler),
		Applied: func(_ uint64, e *state.Effects) { r.assigned = append(r.assigned, e.Assigned...) },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.rep = rep
}

func (r *room) close() {
	r.t.Helper()
	if err := r.rep.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// reload stores the machine and loads another from what is stored.
func (r *room) reload() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.close()
	r.open()
}

// none keeps no large values.
type none struct{}

func (none) OpenValue(context.Context, string) (io.ReadCloser, int64, error) {
	return nil, 0, api.ErrNotFound
}
func (none) KeepValue(context.Context, io.Reader) (string, error) { return "", api.ErrDiskFull }
func (none) HasValue(string) bool                                 { return false }

func (r *room) Propose(_ context.Context, c command.Command) (command.Result, uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.entry(c), r.index, nil
}

func (r *room) entry(c command.Command) command.Result {
	r.index++
	r.now += 1000
	b := command.AppendCommand(command.AppendBatch(nil, r.now, 1), command.Encode(0, c))
	return r.rep.Apply(r.index, 1, b)[0]
}

func (r *room) must(c command.Command) command.Result {
	r.t.Helper()
	res, _, _ := r.Propose(context.Background(), c)
	if res.Code != command.OK {
		r.t.Fatalf("%T: %+v", c, res)
	}
	return res
}

// step lets one task end, the one that pick chooses of those that are assigned,
// or the time come that something waits for. It reports whether there was one.
func (r *room) step(pick func(n int) int) bool {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.assigned); n > 0 {
		i := pick(n)
		a := r.assigned[i]
		r.assigned[i] = r.assigned[n-1]
		r.assigned = r.assigned[:n-1]
		o := r.attempt(&a)
		o.Started, o.Finished = r.now, r.now+1
		if res := r.entry(&command.Complete{Session: a.Session, Results: []command.TaskResult{{ID: a.ID, Fence: a.Fence, Outcome: o}}}); len(res.Refused) > 0 && !r.steered {
			r.t.Fatalf("the end of %s was refused: %+v", a.ID, res)
		}
		return true
	}
	due, ok := r.rep.Machine().Due()
	if !ok || due > r.now+24*3600e9 { // what is kept for later readers is of no interest
		return false
	}
	r.now = max(r.now, due)
	r.entry(&command.Continue{})
	return true
}

// attempt plays a guest.
func (r *room) attempt(a *state.Assigned) queue.Outcome {
	r.t.Helper()
	raw, err := r.rep.Payload(a.PayloadOf)
	if err != nil {
		r.t.Fatalf("the payload of %s: %v", a.ID, err)
	}
	p, err := queue.DecodePayload(raw)
	if err != nil {
		r.t.Fatal(err)
	}
	stdin := p.Input
	if stdin == nil {
		stdin = fmt.Appendf(nil, `{"args":%s,"kwargs":%s}`, or(p.Args, "[]"), or(p.Kwargs, "{}"))
	}
	switch a.Spec.Module {
	case "trap":
		return queue.Outcome{Error: &queue.Error{Type: queue.ErrTrap, Message: "unreachable"}}
	case "fail":
		return queue.Outcome{Error: &queue.Error{Type: queue.ErrExitCode, Message: "as asked", ExitCode: 1}}
	case "noop":
		return queue.Outcome{OK: true}
	case "flaky":
		var of struct{ Args []uint32 }
		if err := json.Unmarshal(stdin, &of); err != nil {
			r.t.Fatal(err)
		}
		if a.Attempt <= of.Args[0] {
			return queue.Outcome{Error: &queue.Error{Type: queue.ErrExitCode, Message: "not yet", ExitCode: 75}}
		}
		return queue.Outcome{OK: true, Result: fmt.Append(nil, a.Attempt)}
	}
	return queue.Outcome{OK: true, Result: stdin}
}

func or(b []byte, other string) []byte {
	if b == nil {
		return []byte(other)
	}
	return b
}

func (r *room) Index() uint64 { return r.rep.AppliedIndex() }

func (r *room) Sync(context.Context, uint64, api.Consistency) (uint64, error) { return r.Index(), nil }

func (r *room) Document(kind, namespace, name string, version uint32) (command.Document, bool) {
	return r.rep.Machine().Document(kind, namespace, name, version)
}

func (r *room) Answered(namespace string, i *command.Idempotency) (command.Result, bool) {
	return r.rep.Machine().Answered(namespace, i)
}

func (r *room) TaskState(namespace string, id queue.ID) (queue.View, bool, error) {
	return r.rep.TaskState(namespace, id)
}

func (r *room) Task(namespace string, id queue.ID) (queue.Detail, bool, error) {
	return r.rep.Task(namespace, id)
}

func (r *room) Run(namespace string, id queue.ID) (workflow.View, bool, error) {
	return r.rep.Run(namespace, id)
}

func (r *room) RunTasks(namespace string, id queue.ID, after uint32, limit int) ([]workflow.NodeView, bool, error) {
	return r.rep.RunTasks(namespace, id, after, limit)
}

func (r *room) RunResult(namespace string, id queue.ID) (workflow.Result, error) {
	return r.rep.RunResult(namespace, id)
}

func (r *room) WaitRun(ctx context.Context, _ string, id queue.ID) error {
	return r.rep.WaitRun(ctx, id)
}
