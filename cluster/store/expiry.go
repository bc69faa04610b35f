package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync/atomic"

	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

// What expires is noted in lists, one a minute and checkpoint, written with
// the checkpoint. Once the machine's time has passed a list's minute its tasks
// are deleted, a bounded number a checkpoint. A record remembers the head, so
// that no sweep ever seeks over what earlier ones deleted.
//
//	list  own 'x', minute u64, Badger version of the checkpoint u64, part u16
//	head  own 'h' → the list's key after the own prefix, tasks of it already
//	      gone, and of the next one, where that is a run that is half gone, the
//	      last key that went
const (
	minute = int64(60e9)
	// sweepTasks and sweepKeys bound what one checkpoint deletes.
	sweepTasks = 2000
	sweepKeys  = 10_000
	// listTasks keeps a list below the largest value: 10,000 tasks of at most
	// 24 bytes.
	listTasks = 10_000
	// never is the minute of nothing.
	never = int64(math.MaxInt64)

	listFormat = 1
	headFormat = 2
)

// dueMinute is the first full minute at which something due at a time may go.
func dueMinute(at int64) int64 {
	m := max(at, 0) / minute
	if at%minute > 0 {
		m++
	}
	return m
}

// sweeper is what the flusher knows about lists on disk.
type sweeper struct {
	head sweepHead
	// next is the minute of the first list, never if there is none.
	next atomic.Int64
}

// sweepHead is how far sweeps have come: all lists before at are gone, and the
// first so many tasks of the one at it.
type sweepHead struct {
	at   listAt
	gone int
	last []byte // that went of a run of which more is to go; nil of none
}

// listAt is the place of a list. A later checkpoint's list of the same minute
// sorts behind, so that no list ever comes to lie before the head.
type listAt struct {
	minute  int64
	version uint64
	part    uint16
}

func (l listAt) key() []byte {
	k := binary.BigEndian.AppendUint64(ownKey(ownExpiry), uint64(l.minute))
	k = binary.BigEndian.AppendUint64(k, l.version)
	return binary.BigEndian.AppendUint16(k, l.part)
}

func parseListKey(key []byte) (listAt, error) {
	b, ok := bytes.CutPrefix(key, ownKey(ownExpiry))
	if !ok || len(b) != 18 || b[0] >= 0x80 {
		return listAt{}, fmt.Errorf("not the key of an expiry list: %x", key)
	}
	return listAt{
		minute:  int64(binary.BigEndian.Uint64(b)),
		version: binary.BigEndian.Uint64(b[8:]),
		part:    binary.BigEndian.Uint16(b[16:]),
	}, nil
}

// NextExpiry is the machine's time at which the first task on disk may go, in
// unix nanoseconds; 0 if there is none or it is past already. A leader brings
// the time forward to it where nothing else does.
func (s *Store) NextExpiry() int64 {
	m := s.sweep.next.Load()
	if m == never || m <= s.swept.Load()/minute {
		return 0
	}
	return m * minute
}

// sweepDue reports whether there is something to delete at a time.
func (s *Store) sweepDue(now int64) bool { return s.sweep.next.Load() <= now/minute }

// addLists puts what a generation let expire into lists. What is due already
// goes under the present minute: the head may have passed its own.
func (b *batch) addLists(items []expiry, now int64, version uint64) (first int64) {
	for i := range items {
		items[i].minute = max(items[i].minute, now/minute)
	}
	slices.SortFunc(items, func(a, b expiry) int { return cmp.Compare(a.minute, b.minute) })
	first = never
	if len(items) > 0 {
		first = items[0].minute
	}
	for len(items) > 0 {
		at := listAt{minute: items[0].minute, version: version}
		n := 1
		for n < len(items) && items[n].minute == at.minute {
			n++
		}
		for part := range slices.Chunk(items[:n], listTasks) {
			b.put(at.key(), encodeList(part))
			at.part++
		}
		items = items[n:]
	}
	return first
}

// swept is what a sweep came to: the new head, the minute of the first list
// that stays, and how many tasks went.
type swept struct {
	head  sweepHead
	next  int64
	tasks int
}

// addSweep deletes what is due at a time, within bounds, and moves the head.
func (s *Store) addSweep(b *batch, now int64) (swept, error) {
	sw := swept{head: s.sweep.head, next: never}
	it := s.iterate(s.version, bounds{prefix: ownKey(ownExpiry), from: sw.head.at.key()})
	defer it.Close()
	limit := len(b.ops) + sweepKeys
	for ; it.Valid(); it.Next() {
		at, err := parseListKey(it.Item().Key())
		if err != nil {
			return sw, err
		}
		if at.minute > now/minute || sw.tasks >= sweepTasks || len(b.ops) >= limit {
			sw.next = at.minute // the head stays behind it: earlier ones may come
			break
		}
		if at != sw.head.at {
			sw.head = sweepHead{at: at}
		}
		whole, err := s.addList(b, it, &sw, limit)
		if err != nil {
			return sw, fmt.Errorf("expiry list %x: %w", it.Item().Key(), err)
		}
		if !whole {
			sw.next = at.minute
			break
		}
		b.delete(it.Item().KeyCopy(nil))
		at.part++
		sw.head = sweepHead{at: at}
	}
	b.put(ownKey(ownHead), sw.head.encode())
	return sw, nil
}

// addList deletes the tasks of the list under a cursor, from the head on.
func (s *Store) addList(b *batch, it *cursor, sw *swept, limit int) (whole bool, err error) {
	v, err := it.Item().ValueCopy(nil)
	if err != nil {
		return false, err
	}
	list, err := decodeList(v)
	if err != nil {
		return false, err
	}
	for sw.head.gone < len(list) {
		if sw.tasks >= sweepTasks || len(b.ops) >= limit {
			return false, nil
		}
		whole, err := s.addTask(b, list[sw.head.gone], &sw.head, limit)
		if err != nil || !whole {
			return false, err
		}
		sw.head.gone++
		sw.head.last = nil
		sw.tasks++
	}
	return true, nil
}

// manyAttempts is from where on a task's attempts are looked up rather than
// named: their number is the caller's to choose.
const manyAttempts = 64

// addRun deletes a run's records and its tasks', or as many as the limit
// allows. It goes on where the sweep before ended: a large run takes many.
func (s *Store) addRun(b *batch, x expiry, head *sweepHead, limit int) (whole bool) {
	prefixes := state.RunKeys(x.shard, x.id)
	if i := slices.IndexFunc(prefixes, func(p []byte) bool { return bytes.HasPrefix(head.last, p) }); i > 0 {
		prefixes = prefixes[i:]
	}
	for _, prefix := range prefixes {
		from := prefix
		if bytes.HasPrefix(head.last, prefix) {
			from = head.last
		}
		it := s.iterate(s.version, bounds{prefix: prefix, from: from})
		for ; it.Valid(); it.Next() {
			if len(b.ops) >= limit {
				it.Close()
				return false
			}
			head.last = it.Item().KeyCopy(nil)
			b.delete(head.last)
		}
		it.Close()
	}
	return true
}

// addTask deletes a task's records, or as many as the limit allows.
func (s *Store) addTask(b *batch, x expiry, head *sweepHead, limit int) (whole bool, err error) {
	if x.run {
		return s.addRun(b, x, head, limit), nil
	}
	if x.attempts > manyAttempts {
		it := s.iterate(s.version, bounds{prefix: state.AttemptKey(x.shard, x.id, 0)})
		defer it.Close()
		for ; it.Valid(); it.Next() {
			if len(b.ops) >= limit {
				return false, nil
			}
			b.delete(it.Item().KeyCopy(nil))
		}
		x.attempts = 0
	}
	for _, key := range state.TaskKeys(x.shard, x.id, x.attempts) {
		b.delete(key)
	}
	return true, nil
}

func encodeList(items []expiry) []byte {
	b := binary.AppendUvarint([]byte{listFormat}, uint64(len(items)))
	for i := range items {
		b = binary.AppendUvarint(b, uint64(items[i].shard))
		count := uint64(items[i].attempts) << 1
		if items[i].run {
			count |= 1
		}
		b = binary.AppendUvarint(b, count)
		b = append(b, items[i].id[:]...)
	}
	return b
}

func decodeList(b []byte) ([]expiry, error) {
	if len(b) == 0 || b[0] != listFormat {
		return nil, fmt.Errorf("an expiry list of an unknown format")
	}
	r := reader{b: b[1:]}
	n := r.uint()
	if n > uint64(len(r.b))/(1+1+uint64(len(queue.ID{}))) {
		return nil, fmt.Errorf("a damaged expiry list")
	}
	list := make([]expiry, n)
	for i := range list {
		shard, count := r.uint(), r.uint()
		attempts := count >> 1
		id := r.bytes(uint64(len(queue.ID{})))
		if r.bad || shard >= ownShard || attempts > math.MaxUint32 {
			return nil, fmt.Errorf("a damaged expiry list")
		}
		list[i] = expiry{shard: uint16(shard), attempts: uint32(attempts), id: queue.ID(id), run: count&1 != 0}
	}
	if r.bad || len(r.b) > 0 {
		return nil, fmt.Errorf("a damaged expiry list")
	}
	return list, nil
}

func (h sweepHead) encode() []byte {
	b := binary.AppendVarint([]byte{headFormat}, h.at.minute)
	b = binary.AppendUvarint(b, h.at.version)
	b = binary.AppendUvarint(b, uint64(h.at.part))
	b = binary.AppendUvarint(b, uint64(h.gone))
	return append(b, h.last...)
}

// maxHeadKey is the longest key of a run's records.
const maxHeadKey = 64

func decodeHead(b []byte) (sweepHead, error) {
	if len(b) == 0 || b[0] != headFormat {
		return sweepHead{}, fmt.Errorf("an expiry head of an unknown format: %x", b)
	}
	r := reader{b: b[1:]}
	h := sweepHead{at: listAt{minute: r.int(), version: r.uint()}}
	part, gone := r.uint(), r.uint()
	if r.bad || len(r.b) > maxHeadKey || h.at.minute < 0 || part > math.MaxUint16 || gone > listTasks {
		return sweepHead{}, fmt.Errorf("a damaged expiry head: %x", b)
	}
	h.at.part, h.gone = uint16(part), int(gone)
	if len(r.b) > 0 {
		h.last = slices.Clone(r.b)
	}
	return h, nil
}
