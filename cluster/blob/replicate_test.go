package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// group is a cluster of stores that reach each other, unless told otherwise.
type group struct {
	mu     sync.Mutex
	stores map[string]*Store
	down   map[string]bool
	stuck  map[string]bool // a push there never ends
	pushes map[string]int
	gate   chan struct{} // a fetch waits for it, if there is one
	asked  atomic.Int32  // fetches in all
}

func newGroup(t *testing.T, names ...string) *group {
	g := &group{stores: map[string]*Store{}, down: map[string]bool{}, stuck: map[string]bool{}, pushes: map[string]int{}}
	for _, n := range names {
		g.stores[n] = mustOpen(t, t.TempDir())
	}
	return g
}

func (g *group) set(m map[string]bool, name string, on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m[name] = on
}

func (g *group) is(m map[string]bool, name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return m[name]
}

// seat is the group as one member sees it.
type seat struct {
	*group
	self string
}

func (p seat) Others() (list []string) {
	for n := range p.stores {
		if n != p.self && n != worker {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}

// Need: the one called worker is no server.
func (p seat) Need(others int) int {
	if p.self == worker {
		return others/2 + 1
	}
	return (others + 1) / 2
}

const worker = "worker"

var errDown = errors.New("connection refused")

func (p seat) Push(ctx context.Context, peer, digest string, size int64, r io.Reader) error {
	p.mu.Lock()
	p.pushes[peer]++
	p.mu.Unlock()
	if p.is(p.stuck, peer) {
		<-ctx.Done()
		return ctx.Err()
	}
	if p.is(p.down, peer) {
		return errDown
	}
	_, err := p.stores[peer].Put(ctx, r, digest, size)
	return err
}

func (p seat) Fetch(_ context.Context, peer, digest string) (io.ReadCloser, error) {
	p.asked.Add(1)
	if p.gate != nil {
		<-p.gate
	}
	if p.is(p.down, peer) {
		return nil, errDown
	}
	f, err := p.stores[peer].Open(digest)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (g *group) replicator(t *testing.T, self string) *Replicator {
	t.Helper()
	r := newReplicator(g.stores[self], seat{g, self}, 1<<20, slog.New(slog.DiscardHandler),
		pauses{least: time.Millisecond, most: 10 * time.Millisecond, late: 50 * time.Millisecond})
	t.Cleanup(r.Close)
	return r
}

func writeFile(path, content string) error { return os.WriteFile(path, []byte(content), 0o600) }

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
		<-time.After(time.Millisecond)
	}
}

func TestReplicator_putReachesAMajority(t *testing.T) {
	g := newGroup(t, "a", "b", "c", "d", "e")
	g.set(g.down, "b", true)
	g.set(g.stuck, "c", true)
	r := g.replicator(t, "a")
	info, err := r.Put(t.Context(), strings.NewReader("content"), digest("content"), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"a", "d", "e"} {
		if !g.stores[n].Has(info.Digest) {
			t.Errorf("%s has it not", n)
		}
	}
	g.set(g.down, "b", false) // the push goes on in the background
	waitFor(t, func() bool { return g.stores["b"].Has(info.Digest) })
}

func TestReplicator_putWithoutAMajorityFails(t *testing.T) {
	g := newGroup(t, "a", "b", "c")
	g.set(g.down, "b", true)
	g.set(g.stuck, "c", true)
	r := g.replicator(t, "a")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := r.Put(ctx, strings.NewReader("content"), "", 100)
	if !errors.Is(err, ErrNoQuorum) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	g.set(g.down, "b", false)
	if err := r.Ensure(t.Context(), digest("content")); err != nil {
		t.Fatalf("with two of three: %v", err)
	}
}

// TestReplicator_aWorkerDoesNotCount: its disk is not one of those that keep.
func TestReplicator_aWorkerDoesNotCount(t *testing.T) {
	for servers, enough := range map[string]int{"": 1, "a": 1, "ab": 2, "abc": 2, "abcd": 3} {
		g := newGroup(t, append(strings.Split(servers, ""), worker)...)
		r := g.replicator(t, worker)
		for up := range len(servers) + 1 {
			for i, name := range strings.Split(servers, "") {
				g.set(g.down, name, i >= up)
			}
			content := fmt.Sprint(servers, up)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			if up < enough {
				cancel() // nobody comes up any more
			}
			_, err := r.Local.Put(t.Context(), strings.NewReader(content), "", 100)
			if err == nil {
				err = r.Ensure(ctx, digest(content))
			}
			cancel()
			if got := err == nil; got != (up >= enough) {
				t.Errorf("%d of %d servers: %v", up, len(servers), err)
			}
		}
	}
}

func TestReplicator_aloneIsAMajority(t *testing.T) {
	g := newGroup(t, "a")
	r := g.replicator(t, "a")
	if _, err := r.Put(t.Context(), strings.NewReader("content"), "", 100); err != nil {
		t.Fatal(err)
	}
	if err := r.Ensure(t.Context(), digest("nothing")); !errors.Is(err, ErrNotFound) {
		t.Fatalf("Ensure of what is not there: %v", err)
	}
}

func TestReplicator_fetchesWhatIsWanted(t *testing.T) {
	g := newGroup(t, "a", "b", "c")
	d1, d2 := mustPut(t, g.stores["b"], "one"), mustPut(t, g.stores["c"], "two")
	g.set(g.down, "c", true)
	r := g.replicator(t, "a")
	r.Want(d1, d2)
	waitFor(t, func() bool { return g.stores["a"].Has(d1) })
	waitFor(t, func() bool { return slices.Equal(r.Wanted(), []string{d2}) })
	g.set(g.down, "c", false)
	waitFor(t, func() bool { return len(r.Wanted()) == 0 })
	if !g.stores["a"].Has(d2) {
		t.Fatal("not here, but not wanted")
	}
	r.Want(d1) // is here
	nowhere := digest("nowhere")
	r.Want(nowhere)
	r.Forget(nowhere)
	waitFor(t, func() bool { return len(r.Wanted()) == 0 })
}

func TestReplicator_openHealsDamage(t *testing.T) {
	g := newGroup(t, "a", "b")
	d := mustPut(t, g.stores["b"], "content")
	r := g.replicator(t, "a")
	read := func() (string, error) {
		rd, _, err := r.Open(t.Context(), d)
		if err != nil {
			return "", err
		}
		defer rd.Close()
		b, err := io.ReadAll(rd)
		return string(b), err
	}
	if got, err := read(); err != nil || got != "content" {
		t.Fatalf("fetched %q, %v", got, err)
	}
	f := g.stores["a"].path(d[len(algorithm):])
	if err := writeFile(f, "c0ntent"); err != nil {
		t.Fatal(err)
	}
	if _, err := read(); !errors.Is(err, ErrDamaged) {
		t.Fatalf("damage passed: %v", err)
	}
	waitFor(t, func() bool { return g.stores["a"].Has(d) })
	if got, err := read(); err != nil || got != "content" {
		t.Fatalf("healed: %q, %v", got, err)
	}
}

func TestReplicator_sharesATransfer(t *testing.T) {
	g := newGroup(t, "a", "b")
	g.gate = make(chan struct{})
	d := mustPut(t, g.stores["b"], "content")
	r := g.replicator(t, "a")
	gaveUp, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() { first <- r.Fetch(gaveUp, d) }()
	waitFor(t, func() bool { return g.asked.Load() == 1 })
	var others sync.WaitGroup
	for range 8 {
		others.Go(func() {
			if err := r.Fetch(t.Context(), d); err != nil {
				t.Error(err)
			}
		})
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up got %v", err)
	}
	close(g.gate)
	others.Wait()
	if n := g.asked.Load(); n != 1 || !g.stores["a"].Has(d) {
		t.Fatalf("%d transfers", n)
	}
}

// TestReplicator_peerWithOtherBytes: a peer's bytes are never believed.
func TestReplicator_peerWithOtherBytes(t *testing.T) {
	g := newGroup(t, "a", "b")
	d := mustPut(t, g.stores["b"], "content")
	if err := writeFile(g.stores["b"].path(d[len(algorithm):]), "c0ntent"); err != nil {
		t.Fatal(err)
	}
	r := g.replicator(t, "a")
	if err := r.Fetch(t.Context(), d); !errors.Is(err, ErrMismatch) {
		t.Fatalf("got %v", err)
	}
	if g.stores["a"].Has(d) {
		t.Fatal("the wrong bytes are here")
	}
}

func TestReplicator_closeEndsAll(t *testing.T) {
	defer goleak.VerifyNone(t)
	g := newGroup(t, "a", "b", "c")
	g.set(g.stuck, "b", true)
	g.set(g.stuck, "c", true)
	r := g.replicator(t, "a")
	r.Want(digest("nowhere"))
	ended := make(chan error)
	go func() {
		_, err := r.Put(t.Context(), bytes.NewReader([]byte("x")), "", 10)
		ended <- err
	}()
	waitFor(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.pushes["b"] > 0
	})
	r.Close()
	if err := <-ended; err == nil {
		t.Fatal("a put without a majority succeeded")
	}
	if err := r.Ensure(t.Context(), digest("x")); !errors.Is(err, ErrClosed) {
		t.Fatalf("after Close: %v", err)
	}
}

// TestReplicator_wantedAndHere: Want does not look at the disk, since the
// goroutine that applies calls it; the fetcher strikes off what is here, also
// while something else is on its way.
func TestReplicator_wantedAndHere(t *testing.T) {
	g := newGroup(t, "a", "b")
	g.gate = make(chan struct{})
	here, away := mustPut(t, g.stores["a"], "here"), mustPut(t, g.stores["b"], "away")
	r := g.replicator(t, "a")
	t.Cleanup(func() { close(g.gate) })
	r.Want(here, away)
	waitFor(t, func() bool { return slices.Equal(r.Wanted(), []string{away}) }) // which is on its way for ever
}
