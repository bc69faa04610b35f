package host

import (
	"cmp"
	"runtime"
	"slices"
)

// mayBegin reports whether one more attempt may begin now in a child that adds
// so much to the memory in use. It makes room by ending idle children, but not
// keep.
func (l *loop) mayBegin(more int64, keep *child) bool {
	working, young := l.starting, l.starting
	for _, c := range l.children {
		if len(c.sent) == 0 {
			continue
		}
		working++
		if !c.page.Waiting() && l.headTime(c) < turn {
			young++
		}
	}
	if working >= l.h.cfg.Concurrency || young >= runtime.NumCPU() {
		return false
	}
	return l.fits(more, keep) || working == 0
}

// fits reports whether the memory allows so much more, and makes room by
// ending idle children other than keep.
func (l *loop) fits(more int64, keep *child) bool {
	out, ok := l.room(more, keep)
	if ok {
		for _, c := range out {
			l.retire(c)
		}
	}
	return ok
}

// room finds the idle children that must end for so much more memory, those
// idle for longest first, and reports whether that is enough.
func (l *loop) room(more int64, keep *child) (out []*child, ok bool) {
	total := more + int64(l.starting)*(DefaultMemoryLimit+childOverhead)
	var idle []*child
	for _, c := range l.children {
		total += c.reserve()
		if len(c.sent) == 0 && c.ready && c.dying == "" && c != keep {
			idle = append(idle, c)
		}
	}
	slices.SortFunc(idle, func(a, b *child) int { return cmp.Compare(a.idle, b.idle) })
	for total > l.h.cfg.Memory || len(idle) > mostIdle {
		if len(idle) == 0 {
			return nil, false
		}
		total -= idle[0].reserve()
		out, idle = append(out, idle[0]), idle[1:]
	}
	return out, true
}

// reserve is what a child counts for, bytes.
func (c *child) reserve() int64 {
	if len(c.sent) > 0 {
		return c.memory + childOverhead
	}
	if c.dying != "" {
		return 0
	}
	return max(c.resident, childOverhead/2)
}
