package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

func open(t *testing.T, opt Options, applied uint64) *Journal {
	t.Helper()
	opt.Logger = slog.New(slog.DiscardHandler)
	j, err := Open(opt, applied)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func shut(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

func moves(index uint64, n int) []state.Move {
	var out []state.Move
	for k := range n {
		out = append(out, state.Move{ID: queue.ID{byte(index), byte(k)}, Namespace: "n", Queue: "q", Task: "m.t", To: queue.Success, Attempt: 1, Schedule: state.ScheduleEvent(k % 3), Shadow: []string{"", "s"}[k%2]})
	}
	return out
}

// errEnough ends a Follow once it has what it wants.
var errEnough = errors.New("enough")

// collect reads ids after one, until there is nothing more for now.
func collect(j *Journal, after ID, most int) (ids []string, err error) {
	j.Flush()
	err = j.Follow(context.Background(), after, func(e *Event) error {
		ids = append(ids, e.ID.String())
		if len(ids) == most {
			return errEnough
		}
		return nil
	}, func() error { return errEnough })
	if errors.Is(err, errEnough) {
		err = nil
	}
	return ids, err
}

func want(t *testing.T, got []string, err error, want ...string) {
	t.Helper()
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("events %v, %v, want %v", got, err, want)
	}
}

func TestFollowFromAnywhere(t *testing.T) {
	j := open(t, Options{Dir: t.TempDir()}, 0)
	defer shut(t, j)
	j.Append(1, 10, moves(1, 2))
	j.Append(2, 20, nil)
	j.Append(3, 30, moves(3, 1))
	j.Append(3, 30, moves(3, 1)) // applied again
	ids, err := collect(j, ID{Index: 0, N: lastOf}, 0)
	want(t, ids, err, "1-0", "1-1", "3-0")
	ids, err = collect(j, ID{1, 0}, 0)
	want(t, ids, err, "1-1", "3-0")
	ids, err = collect(j, j.Newest(), 0)
	want(t, ids, err)
}

// TestNewNodeLacksNothing: what a node has told of since it is there can be read
// from the very beginning.
func TestNewNodeLacksNothing(t *testing.T) {
	j := open(t, Options{Dir: t.TempDir()}, 0)
	defer shut(t, j)
	j.Append(3, 1, moves(3, 2))
	if ids, err := collect(j, ID{}, 2); err != nil || len(ids) != 2 {
		t.Errorf("%v, %v", ids, err)
	}
}

// TestRandomDisconnects: a follower that is cut off at random, at nodes that
// restart, sees every event once.
func TestRandomDisconnects(t *testing.T) {
	dir := t.TempDir()
	j := open(t, Options{Dir: dir, Segment: 2000}, 0)
	rng := rand.New(rand.NewPCG(1, 2))
	var all, seen []string
	after := ID{Index: 0, N: lastOf}
	for index := uint64(1); index <= 500; index++ {
		n := rng.IntN(4)
		j.Append(index, int64(index), moves(index, n))
		for k := range n {
			all = append(all, ID{index, uint32(k)}.String())
		}
		if rng.IntN(20) == 0 {
			j.Checkpoint()
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			j = open(t, Options{Dir: dir, Segment: 2000}, index)
		}
		if rng.IntN(3) > 0 && index < 500 {
			continue
		}
		ids, err := collect(j, after, []int{0, 1 + rng.IntN(5)}[rng.IntN(2)])
		if index == 500 && err == nil {
			var rest []string
			if len(ids) > 0 {
				after, _ = ParseID(ids[len(ids)-1])
			}
			rest, err = collect(j, after, 0)
			ids = append(ids, rest...)
		}
		if err != nil {
			t.Fatalf("at %d after %s: %v", index, after, err)
		}
		seen = append(seen, ids...)
		if len(ids) > 0 {
			after, _ = ParseID(ids[len(ids)-1])
		}
	}
	defer shut(t, j)
	if fmt.Sprint(seen) != fmt.Sprint(all) {
		t.Fatalf("saw %d events of %d", len(seen), len(all))
	}
}

func TestRetention(t *testing.T) {
	dir := t.TempDir()
	j := open(t, Options{Dir: dir, Segment: 500, Keep: 2000}, 0)
	for index := uint64(1); index <= 200; index++ {
		j.Append(index, int64(index), moves(index, 3))
		j.Flush()
	}
	if _, err := collect(j, ID{1, 0}, 0); !errors.Is(err, ErrGone) {
		t.Errorf("events that were removed: %v", err)
	}
	ids, err := collect(j, ID{199, 1}, 0)
	want(t, ids, err, "199-2", "200-0", "200-1", "200-2")
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) > 8 {
		t.Errorf("%d files are kept", len(files))
	}
	_ = j.Close()
	old := open(t, Options{Dir: dir, Age: 10}, 200)
	defer shut(t, old)
	old.Append(201, 1e9, moves(201, 1))
	old.Append(202, 2e9, moves(202, 1))
	ids, err = collect(old, ID{201, 0}, 0)
	want(t, ids, err, "202-0")
}

// TestGapIsTold: what the store has and the journal lost is not passed over in
// silence.
func TestGapIsTold(t *testing.T) {
	dir := t.TempDir()
	j := open(t, Options{Dir: dir}, 0)
	j.Append(1, 1, moves(1, 1))
	_ = j.Close()
	j = open(t, Options{Dir: dir}, 5)
	if _, err := collect(j, ID{1, 0}, 0); !errors.Is(err, ErrGone) {
		t.Errorf("a gap: %v", err)
	}
	j.Append(6, 6, moves(6, 1))
	ids, err := collect(j, ID{5, 7}, 0)
	if err == nil {
		t.Errorf("an id in the gap gave %v", ids)
	}
	ids, err = collect(j, ID{Index: 5, N: lastOf}, 0)
	want(t, ids, err, "6-0")
	j.Restart(20)
	if _, err := collect(j, ID{6, 0}, 0); !errors.Is(err, ErrGone) {
		t.Errorf("after another node's state: %v", err)
	}
	_ = j.Close()
}

func TestTornTailIsCutOff(t *testing.T) {
	dir := t.TempDir()
	j := open(t, Options{Dir: dir}, 0)
	j.Append(1, 1, moves(1, 1))
	j.Append(2, 2, moves(2, 1))
	_ = j.Close()
	path := segmentPath(dir, 0)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw[:len(raw)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	j = open(t, Options{Dir: dir}, 1)
	defer shut(t, j)
	j.Append(2, 2, moves(2, 1))
	ids, err := collect(j, ID{Index: 0, N: lastOf}, 0)
	want(t, ids, err, "1-0", "2-0")
}

// TestDamageInTheMidst: of a file that others follow only the head is read at a
// start; who comes to what cannot be read is told so.
func TestDamageInTheMidst(t *testing.T) {
	dir := t.TempDir()
	j := open(t, Options{Dir: dir}, 0)
	for i := range uint64(3) {
		j.Append(i+1, 1, moves(i+1, 1))
	}
	_ = j.Close()
	path := segmentPath(dir, 0)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-3] ^= 1
	j = open(t, Options{Dir: dir}, 3)
	j.Append(4, 1, moves(4, 1))
	_ = j.Close()
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	j = open(t, Options{Dir: dir}, 4)
	defer shut(t, j)
	if ids, err := collect(j, ID{Index: 0, N: lastOf}, 0); !errors.Is(err, ErrGone) {
		t.Errorf("led over the damage: %v, %v", ids, err)
	}
	ids, err := collect(j, ID{Index: 3, N: lastOf}, 0)
	want(t, ids, err, "4-0")
}

// TestNewNodeKilledEarly: a restart knows that nothing is missing.
func TestNewNodeKilledEarly(t *testing.T) {
	dir := t.TempDir()
	j := open(t, Options{Dir: dir}, 0)
	j.Append(5, 1, moves(5, 1))
	_ = j.Close()
	j = open(t, Options{Dir: dir}, 5)
	defer shut(t, j)
	ids, err := collect(j, ID{}, 0)
	want(t, ids, err, "5-0")
}

func FuzzDecodeBatch(f *testing.F) {
	f.Add((&batch{1, 2, moves(1, 3)}).append(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := decodeBatch(raw)
		if err != nil {
			return
		}
		if _, err := decodeBatch(b.append(nil)); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
	})
}

// TestGapIsToldToWhoFollows: a follower that is in the midst of a file must not
// be led over the gap, nor may a restart of the process hide it.
func TestGapIsToldToWhoFollows(t *testing.T) {
	dir := t.TempDir()
	j := open(t, Options{Dir: dir}, 0)
	j.Append(1, 1, moves(1, 1))
	j.Flush()
	follows := reader{j: j, after: ID{Index: 0, N: lastOf}}
	if _, _, err := follows.step(func(*Event) error { return nil }); err != nil {
		t.Fatal(err)
	}
	j.Restart(20)
	j.Append(21, 21, moves(21, 1))
	j.Flush()
	if _, _, err := follows.step(func(e *Event) error { t.Errorf("led on to %s", e.ID); return nil }); !errors.Is(err, ErrGone) {
		t.Errorf("in the midst: %v", err)
	}
	ids, err := collect(j, ID{Index: 20, N: lastOf}, 0)
	want(t, ids, err, "21-0")
	_ = j.Close()
	j = open(t, Options{Dir: dir}, 21)
	defer shut(t, j)
	if ids, err := collect(j, ID{1, 0}, 0); !errors.Is(err, ErrGone) {
		t.Errorf("after a restart: %v, %v", ids, err)
	}
	ids, err = collect(j, ID{Index: 20, N: lastOf}, 0)
	want(t, ids, err, "21-0")
}

// TestLateCallsAfterClose: the store may cut its last checkpoint while the
// journal closes.
func TestLateCallsAfterClose(t *testing.T) {
	j := open(t, Options{Dir: t.TempDir()}, 0)
	var late sync.WaitGroup
	for index := range uint64(50) {
		j.Append(index+1, 1, nil)
		if index == 25 {
			late.Go(func() { _ = j.Close() })
		}
		j.Checkpoint()
	}
	late.Wait()
	j.Append(100, 1, moves(100, 1))
	j.Checkpoint()
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
