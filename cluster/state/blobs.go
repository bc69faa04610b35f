package state

import (
	"encoding/binary"
	"slices"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/heap"
)

// hold keeps the blobs of an ended task until its result goes.
type hold struct {
	due     int64
	id      queue.ID
	digests []string
	place   int32 // in the heap
}

func newHolds() heap.Heap[*hold] {
	return heap.New(func(a, b *hold) bool {
		if a.due != b.due {
			return a.due < b.due
		}
		return a.id.Compare(b.id) < 0
	}, func(h *hold) *int32 { return &h.place })
}

// blobsOf adds the blobs that a task's result refers to.
func (m *Machine) blobsOf(t *task, digests []string) {
	if len(digests) == 0 {
		return
	}
	x := t.more()
	x.blobs = append(slices.Clip(x.blobs), digests...)
	m.ref(digests)
}

// holdBlobs goes on referring to what an ended task referred to.
func (m *Machine) holdBlobs(t *task, due int64) {
	if t.extra == nil || len(t.extra.blobs) == 0 {
		return
	}
	m.keepHold(&hold{due: due, id: t.id, digests: t.extra.blobs})
}

// never is the due time of what a run holds that has not ended.
const never = int64(1<<63 - 1)

// hold goes on referring to what a task of the run referred to.
func (r *run) hold(m *Machine, t *task) {
	if t.extra == nil || len(t.extra.blobs) == 0 {
		return
	}
	if r.due != 0 { // the others are on their way
		m.holdBlobs(t, r.due)
		return
	}
	h := &hold{due: never, id: t.id, digests: t.extra.blobs}
	m.keepHold(h)
	r.holds = append(r.holds, h)
}

// heldTogether bounds the blobs of a run's calls that one record holds.
var heldTogether = 256

// holdOwn goes on referring to some more of what the run's calls refer to. The
// ids of such holds follow those of its tasks.
func (r *run) holdOwn(m *Machine) {
	some := r.blobs[r.kept:min(r.kept+heldTogether, len(r.blobs))]
	place := uint32(r.kept/heldTogether) + r.progress.Graph().Tasks() + 1
	m.keepHold(&hold{due: r.due, id: r.id.Plus(place), digests: some})
	m.unref(some)
	r.kept += len(some)
	m.spend()
	m.charge(len(some))
}

// rehold gives a hold of a run that has ended its time.
func (m *Machine) rehold(h *hold, due int64) {
	m.holds.Remove(h)
	m.sink.Delete(holdKey(m.shard, *h))
	h.due = due
	m.keepHold(h)
	m.unref(h.digests) // keepHold has counted them once more
}

func (m *Machine) keepHold(h *hold) {
	m.addHold(h)
	w := command.NewWriter(nil)
	w.Strings(h.digests)
	m.sink.Put(holdKey(m.shard, *h), w.Done())
}

func (m *Machine) addHold(h *hold) {
	h.place = -1
	m.holds.Push(h)
	m.ref(h.digests)
}

// dropHolds lets go of what is due, within the budget.
func (m *Machine) dropHolds() {
	for m.budget > 0 && m.holds.Len() > 0 && m.holds.Top().due <= m.now {
		h := m.holds.Top()
		m.holds.Remove(h)
		m.unref(h.digests)
		m.sink.Delete(holdKey(m.shard, *h))
		m.spend()
	}
}

// ref counts references; one to a blob that nothing referred to is told of, so
// that every server sees to it that it has the blob.
func (m *Machine) ref(digests []string) {
	for _, d := range digests {
		if m.blobs[d]++; m.blobs[d] == 1 && m.effects != nil {
			m.effects.Blobs = append(m.effects.Blobs, d)
		}
	}
}

func (m *Machine) unref(digests []string) {
	for _, d := range digests {
		if m.blobs[d]--; m.blobs[d] <= 0 {
			delete(m.blobs, d)
		}
	}
}

func holdKey(shard uint16, h hold) []byte {
	k := binary.BigEndian.AppendUint64(Prefix(shard, kindBlob), uint64(h.due))
	return append(k, h.id[:]...)
}

func (m *Machine) loadHold(key, value []byte) error {
	r := command.NewReader(value)
	h := &hold{digests: r.Strings()}
	if len(key) != 3+8+16 {
		r.Fail()
		return r.Err("blob hold")
	}
	h.due = int64(binary.BigEndian.Uint64(key[3:]))
	copy(h.id[:], key[11:])
	m.addHold(h)
	if run := m.runs[h.id.Run()]; h.due == never && run != nil {
		run.holds = append(run.holds, h)
	}
	return r.Err("blob hold")
}

// Blobs lists everything that is referred to, sorted.
func (m *Machine) Blobs() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	list := make([]string, 0, len(m.blobs))
	for d := range m.blobs { // order: sorted below
		list = append(list, d)
	}
	slices.Sort(list)
	return list
}

// Referenced reports whether anything still needs a blob.
func (m *Machine) Referenced(digest string) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.blobs[digest] > 0
}
