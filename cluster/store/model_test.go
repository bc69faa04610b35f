package store

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/windrow-dev/windrow/cluster/state"
)

// history is what a log has done, as a list of entries that can be replayed.
type history struct{ entries []logEntry }

type logEntry struct {
	now   int64
	puts  map[string]string
	gone  []string
	tasks []modelTask // ended in this entry
}

// modelTask is an ended task: its keys, and from when on they may be gone.
type modelTask struct {
	n, attempts int
	at          int64
}

// apply applies the next entry to a store.
func (h *history) apply(s *Store, e logEntry) {
	h.entries = append(h.entries, e)
	s.Begin()
	e.each(func(k, v string) { s.Put([]byte(k), []byte(v)) }, func(k string) { s.Delete([]byte(k)) })
	for _, x := range e.tasks {
		s.Expire(0, x.at, taskID(x.n), uint32(x.attempts))
	}
	s.Applied(uint64(len(h.entries)), 7, e.now)
}

func (e logEntry) each(put func(k, v string), del func(k string)) {
	for _, k := range slices.Sorted(maps.Keys(e.puts)) {
		put(k, e.puts[k])
	}
	for _, k := range e.gone {
		del(k)
	}
	for _, x := range e.tasks {
		for _, k := range state.TaskKeys(0, taskID(x.n), uint32(x.attempts)) {
			put(string(k), fmt.Sprintf("task %d", x.n))
		}
	}
}

// at is the content after so many entries, and which of its keys may be gone.
func (h *history) at(index uint64) (content map[string]string, optional map[string]bool) {
	content, optional = map[string]string{}, map[string]bool{}
	now := int64(0)
	for _, e := range h.entries[:index] {
		e.each(func(k, v string) { content[k] = v }, func(k string) { delete(content, k) })
		now = e.now
	}
	for _, e := range h.entries[:index] {
		for _, x := range e.tasks {
			if x.at <= now {
				for _, k := range state.TaskKeys(0, taskID(x.n), uint32(x.attempts)) {
					optional[string(k)] = true
				}
			}
		}
	}
	return content, optional
}

// check compares all that a store has with the history.
func (h *history) check(t rapid.TB, s *Store, in bounds) {
	t.Helper()
	content, optional := h.at(s.AppliedIndex())
	var want []string
	for k := range content {
		if in.has([]byte(k)) {
			want = append(want, k)
		}
	}
	slices.SortFunc(want, func(a, b string) int {
		if in.reverse {
			a, b = b, a
		}
		return cmp.Compare(a, b)
	})
	err := s.Scan(in.prefix, in.from, in.reverse, func(k, v []byte) bool {
		if isOwn(k) {
			return true
		}
		for len(want) > 0 && want[0] != string(k) && optional[want[0]] {
			want = want[1:]
		}
		if len(want) == 0 || want[0] != string(k) || content[want[0]] != string(v) {
			t.Fatalf("scan %+v gives %q = %q, want %q", in, k, v, want[:min(len(want), 1)])
		}
		want = want[1:]
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	for len(want) > 0 && optional[want[0]] {
		want = want[1:]
	}
	if len(want) > 0 {
		t.Fatalf("scan %+v ends before %q", in, want[0])
	}
}

// TestModel drives a store as a node may, and crashes, restores and reopens it
// on the way; after each step it must equal the history up to its index.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{t: t, rt: rt, dir: t.TempDir()}
		m.open()
		defer func() { _ = m.s.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"apply":    m.apply,
			"apply2":   m.apply, // most of what happens
			"apply3":   m.apply,
			"flush":    m.checkpoint,
			"reopen":   m.reopen,
			"crash":    m.crash,
			"snapshot": m.snapshot,
			"get":      m.get,
			"scan":     m.scan,
		})
		m.h.check(rt, m.s, bounds{})
	})
}

type model struct {
	t     *testing.T
	rt    *rapid.T
	s     *Store
	h     history
	dir   string
	dirs  int
	tasks int
	now   int64
}

func (m *model) open() {
	o := small(m.dir)
	o.MaxBytes = 20_000
	o.Window = time.Millisecond
	s, err := Open(o)
	if err != nil {
		m.rt.Fatal(err)
	}
	m.s = s
}

func (m *model) newDir() string {
	m.dirs++
	return filepath.Join(m.t.TempDir(), fmt.Sprint(m.dirs))
}

var modelKey = rapid.Custom(func(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b", "b\xff", "c"}).Draw(t, "kind") +
		fmt.Sprint(rapid.IntRange(0, 20).Draw(t, "n"))
})

func (m *model) apply(rt *rapid.T) {
	m.now += rapid.Int64Range(0, 3*minute).Draw(rt, "passed")
	e := logEntry{now: m.now, puts: map[string]string{}}
	for range rapid.IntRange(0, 8).Draw(rt, "puts") {
		e.puts[modelKey.Draw(rt, "key")] = string(bytes.Repeat([]byte{'v'}, rapid.IntRange(0, 3000).Draw(rt, "size")))
	}
	e.gone = rapid.SliceOfN(modelKey, 0, 4).Draw(rt, "gone")
	for range rapid.IntRange(0, 2).Draw(rt, "tasks") {
		e.tasks = append(e.tasks, modelTask{
			n: m.tasks, attempts: rapid.IntRange(0, 3).Draw(rt, "attempts"),
			at: m.now + rapid.Int64Range(0, 10*minute).Draw(rt, "ttl"),
		})
		m.tasks++
	}
	m.h.apply(m.s, e)
}

func (m *model) checkpoint(rt *rapid.T) {
	if err := m.s.Checkpoint(m.t.Context()); err != nil {
		rt.Fatal(err)
	}
	if m.s.DurableIndex() != m.s.AppliedIndex() {
		rt.Fatalf("durable %d of %d", m.s.DurableIndex(), m.s.AppliedIndex())
	}
}

// reopened takes a store as it is after a start: what is lost is applied again
// from the log, as a node does.
func (m *model) reopened(rt *rapid.T, least uint64) {
	m.open()
	index := m.s.AppliedIndex()
	if index < least {
		rt.Fatalf("reopened at %d, but %d was durable", index, least)
	}
	m.h.check(rt, m.s, bounds{})
	lost := m.h.entries[index:]
	m.h.entries = m.h.entries[:index:index]
	for _, e := range lost {
		m.h.apply(m.s, e)
	}
}

func (m *model) reopen(rt *rapid.T) {
	applied := m.s.AppliedIndex()
	if err := m.s.Close(); err != nil {
		rt.Fatal(err)
	}
	m.reopened(rt, applied)
}

func (m *model) crash(rt *rapid.T) {
	durable := m.s.DurableIndex()
	dir := m.newDir()
	if err := copyLive(m.s, dir); err != nil {
		rt.Fatal(err)
	}
	if err := m.s.Close(); err != nil {
		rt.Fatal(err)
	}
	m.dir = dir
	m.reopened(rt, durable)
}

func (m *model) snapshot(rt *rapid.T) {
	var buf bytes.Buffer
	index, _, err := m.s.WriteSnapshot(m.t.Context(), &buf)
	if err != nil {
		rt.Fatal(err)
	}
	if err := m.s.Close(); err != nil {
		rt.Fatal(err)
	}
	if rapid.Bool().Draw(rt, "elsewhere") {
		m.dir = m.newDir()
	}
	if err := Restore(m.dir, &buf); err != nil {
		rt.Fatal(err)
	}
	m.reopened(rt, index)
}

func (m *model) get(rt *rapid.T) {
	content, _ := m.h.at(m.s.AppliedIndex())
	k := modelKey.Draw(rt, "key")
	v, err := m.s.Get([]byte(k))
	want, ok := content[k]
	if ok != (err == nil) || string(v) != want {
		rt.Fatalf("Get(%q) = %d bytes, %v; want %d bytes, %v", k, len(v), err, len(want), ok)
	}
}

func (m *model) scan(rt *rapid.T) {
	in := bounds{prefix: []byte(rapid.SampledFrom([]string{"", "a", "b", "b\xff", "c1", "\x00\x00f", "x"}).Draw(rt, "prefix"))}
	in.reverse = rapid.Bool().Draw(rt, "reverse")
	if rapid.Bool().Draw(rt, "bounded") {
		in.from = []byte(modelKey.Draw(rt, "from"))
	}
	m.h.check(rt, m.s, in)
}
