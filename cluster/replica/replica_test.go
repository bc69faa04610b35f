package replica

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/cluster/store"
	"github.com/windrow-dev/windrow/queue"
)

// rig is a replica that is fed entries by hand.
type rig struct {
	*Replica
	t      *testing.T
	index  uint64
	loaded []uint64
	failed []error
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t}
	var err error
	r.Replica, err = Open(Options{
		Logger: slog.New(slog.DiscardHandler),
		Store:  store.Options{Dir: t.TempDir(), MemTable: 8 << 20, Failed: func(err error) { r.failed = append(r.failed, err) }},
		Loaded: func(index uint64, _ *state.Machine) { r.loaded = append(r.loaded, index) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func (r *rig) do(c command.Command) {
	r.t.Helper()
	r.index++
	entry := command.AppendCommand(command.AppendBatch(nil, 1e18, 1), command.Encode(0, c))
	if res := r.Apply(r.index, 1, entry); res[0].Code != command.OK {
		r.t.Fatalf("%T: %+v", c, res[0])
	}
}

// ended submits a task and ends it, so that it is on disk alone.
func (r *rig) ended(id queue.ID) {
	r.do(&command.PutDocument{Kind: command.KindModule, Namespace: "default", Name: "mod", Digest: "sha256:00",
		Attributes: command.Attributes{Tasks: []string{"main"}}})
	call := command.Call{ID: id, Payload: (&queue.Payload{}).Append(nil)}
	r.do(&command.Submit{Namespace: "default", Calls: command.Calls{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}, List: []command.Call{call}}})
	r.do(&command.Revoke{Namespace: "default", ID: id})
}

func (r *rig) snapshot() *bytes.Reader {
	r.t.Helper()
	var b bytes.Buffer
	if _, _, err := r.WriteSnapshot(r.t.Context(), &b); err != nil {
		r.t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

// TestRestore_tellsItsOwnIndex: what hears of a loaded machine must know where
// that one stands, not the replaced one.
func TestRestore_tellsItsOwnIndex(t *testing.T) {
	from, to := newRig(t), newRig(t)
	from.ended(queue.ID{1})
	if err := to.Restore(from.snapshot()); err != nil {
		t.Fatal(err)
	}
	if len(to.loaded) != 2 || to.loaded[1] != from.index {
		t.Errorf("loaded at %v, want the last at %d", to.loaded, from.index)
	}
}

// TestRestore_readersWait: nobody sees the closed store in between.
func TestRestore_readersWait(t *testing.T) {
	r := newRig(t)
	id := queue.ID{1}
	r.ended(id)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	reads := []func() error{
		func() error { _, _, err := r.TaskState("default", id); return err },
		func() error { _, _, err := r.Task("default", id); return err },
		func() error { _, err := r.Payload(id); return err },
		func() error {
			_, _, err := r.Tasks(t.Context(), queue.Filter{Namespace: "default", Limit: 10})
			return err
		},
	}
	for _, read := range reads {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := read(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 3 {
		if err := r.Restore(r.snapshot()); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	readers.Wait()
}

// TestRestore_failedStopsTheNode: Raft only logs a restore that failed.
func TestRestore_failedStopsTheNode(t *testing.T) {
	r := newRig(t)
	r.ended(queue.ID{1})
	s := r.snapshot()
	r.opt.Store.Floor = 1 << 40 // the new store is refused
	if err := r.Restore(s); err == nil || len(r.failed) == 0 {
		t.Errorf("restore gave %v and told %v", err, r.failed)
	}
}
