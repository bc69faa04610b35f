package module

import "math"

// flow follows the control flow of one function as far as the engine's dear
// passes depend on it. All of it is counting, in one walk. The names of the
// sums are those of Weight.
type flow struct {
	dead  bool // the code here is never reached, and the engine skips it
	block int  // number of the basic block
	chain int  // blocks since the last merge: how far a read of a local may have to look back
	loops int  // loops around here
	known int  // addresses whose bounds were checked on every way to here
	w     *Weight

	locals []localSeen // shared by all functions, told apart by stamp
	stamp  uint32
}

// localSeen is where a function touched a local last.
type localSeen struct {
	stamp  uint32
	block  uint32
	across bool // it was counted in CrossLocals
}

// frame is an open block.
type frame struct {
	op    byte   // 0x02 block, 0x03 loop, 0x04 if, 0x05 else
	dead  bool   // it was opened in dead code
	arity uint32 // values that a branch to it carries
	ends  uint32 // values that its end leaves
	ways  int    // branches to its end
	walk  int    // sum of chain over them
	chain int    // at its opening
	known int    // at its opening
	least int    // smallest known over the branches to its end
}

// begin enters a function of that many locals. The table of locals is no
// longer than the body, so that it stays in proportion to the input: a longer
// one could not name them all, and local counts each touch of the rest.
func (f *flow) begin(w *Weight, locals, size int) {
	*f = flow{w: w, locals: f.locals, stamp: f.stamp + 1, block: 1}
	if n := min(locals, size); n > len(f.locals) {
		f.locals = append(f.locals, make([]localSeen, n-len(f.locals))...)
	}
	w.Blocks, w.Joints = 1, 1
}

// next begins a basic block that only the last one leads to.
func (f *flow) next() {
	if f.dead {
		return
	}
	f.block++
	f.chain++
	f.w.Blocks++
	f.w.Joints++
	f.w.KnownCopies += f.known
	f.w.LoopDepths += f.loops
}

// local notes a read or a write of a local.
func (f *flow) local(i uint32, read bool) {
	if f.dead {
		return
	}
	if read {
		f.w.LookBack += f.chain
	}
	if int64(i) >= int64(len(f.locals)) {
		f.w.CrossLocals++
		return
	}
	l := &f.locals[i]
	if l.stamp != f.stamp {
		*l = localSeen{stamp: f.stamp}
	}
	// A first read finds what the function began with, in block 0.
	if read && l.block != uint32(f.block) && !l.across {
		l.across = true
		f.w.CrossLocals++
	}
	l.block = uint32(f.block)
}

// access notes an access of memory: the engine remembers which addresses it
// has checked, and copies what it remembers into every block.
func (f *flow) access() {
	if !f.dead {
		f.known++
		f.w.Accesses++
	}
}

// open enters a block, loop or if.
func (f *flow) open(fr *frame) {
	fr.dead, fr.chain, fr.known, fr.least = f.dead, f.chain, f.known, math.MaxInt
	switch {
	case f.dead:
	case fr.op == 0x03:
		f.loops++
		f.next()
		f.chain = 0
		f.w.Merges++
		f.w.Edges++
		f.w.LoopDepth = max(f.w.LoopDepth, f.loops)
	case fr.op == 0x04:
		f.next()
	}
}

// branch takes a way to the end of an open block, or to the head of a loop.
func (f *flow) branch(to *frame) {
	if f.dead {
		return
	}
	if to.op == 0x03 {
		f.w.Edges++
		f.w.Walks += f.chain
		return
	}
	to.ways++
	to.walk += f.chain
	to.least = min(to.least, f.known)
}

// orElse leaves the first arm of an if for the second.
func (f *flow) orElse(fr *frame) {
	f.branch(fr)
	f.dead, f.chain, f.known = fr.dead, fr.chain, fr.known
	f.next()
}

// close leaves an open block by its end. The engine begins a block there even
// where nothing branches to it.
func (f *flow) close(fr *frame) {
	switch {
	case fr.op == 0x03:
		if !fr.dead {
			f.loops--
		}
		f.next()
		return
	case fr.op == 0x04 && !fr.dead: // without an else: the condition leads here, too
		f.w.Blocks++
		fr.ways++
		fr.walk += fr.chain + 1
		fr.least = min(fr.least, fr.known)
	case fr.ways == 0:
		f.next()
		return
	}
	f.branch(fr)
	if fr.ways == 0 {
		return // an if in dead code
	}
	f.dead, f.known, f.chain = false, fr.least, fr.walk
	f.next()
	if fr.ways > 1 {
		f.chain = 0
		f.w.Merges++
		f.w.Edges += fr.ways
		f.w.Walks += fr.walk
	}
}
