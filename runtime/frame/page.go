//go:build unix

package frame

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// PageSize is the length of a status page, bytes.
const PageSize = 4096

// Page is memory that a parent shares with one child. On it the child notes
// which attempt it has begun and when, so that the parent knows exactly whom a
// kill hits; and the parent notes up to which attempt it wants back what has
// not begun. All fields are atomic. The parent believes none of them without a
// check: a hostile child may write anything at any time.
type Page struct {
	mem []byte
	at  *layout
}

type layout struct {
	begun   atomic.Uint64 // child: the attempt it began last
	beganAt atomic.Int64  // child: when, by Now
	waiting atomic.Uint32 // child: 1 while the guest sleeps
	_       uint32
	_       [5]uint64     // the parent's words have a cache line of their own
	recall  atomic.Uint64 // parent: attempts up to this one must not begin
}

// MapPage maps the page behind fd, which stays the caller's to close.
func MapPage(fd int) (*Page, error) {
	mem, err := syscall.Mmap(fd, 0, PageSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the status page: %w", err)
	}
	return &Page{mem: mem, at: (*layout)(unsafe.Pointer(&mem[0]))}, nil
}

// Close unmaps the page; it must not be used afterwards.
func (p *Page) Close() error { return syscall.Munmap(p.mem) }

// Begin is the child's: it notes that attempt seq begins now and reports
// whether it may. False means that the parent has called it back.
//
// The note is written before the recall is read, and Recall does the reverse;
// so of the two at least one sees the other, and never do both sides believe
// that the attempt is theirs.
func (p *Page) Begin(seq uint64, now int64) bool {
	p.at.beganAt.Store(now)
	p.at.begun.Store(seq)
	return p.at.recall.Load() < seq
}

// Recall is the parent's: attempts up to seq that have not begun shall not
// begin. It returns the last that has; for it, and it alone, the child's
// answer tells whether it ran.
func (p *Page) Recall(seq uint64) (begun uint64) {
	p.at.recall.Store(seq)
	return p.at.begun.Load()
}

// Begun returns the attempt that the child says it began last, and when.
func (p *Page) Begun() (seq uint64, at int64) {
	for range 4 {
		seq, at = p.at.begun.Load(), p.at.beganAt.Load()
		if p.at.begun.Load() == seq {
			break
		}
	}
	return seq, at
}

// SetWaiting is the child's: whether the guest sleeps.
func (p *Page) SetWaiting(on bool) {
	var v uint32
	if on {
		v = 1
	}
	p.at.waiting.Store(v)
}

// Waiting reports whether the guest sleeps.
func (p *Page) Waiting() bool { return p.at.waiting.Load() != 0 }
