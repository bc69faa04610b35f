package module

import "time"

// Weight is what a function holds that makes it dear to compile. The fields
// after Values are sums over the basic blocks that the engine would make of
// it; DESIGN.md says which pass of the engine each stands for.
type Weight struct {
	Function     int // its index, imports counted
	BodyBytes    int
	Locals       int // parameters counted
	Instructions int
	Accesses     int // of memory
	Traps        int // divisions and float-to-int conversions, which may trap
	Calls        int
	CallsByTable int // call_indirect
	Bulks        int // bulk operations on memory and tables
	Depth        int // of the deepest block in blocks
	Targets      int // of all its br_tables
	// Values are the block parameters, call and branch arguments, results
	// and reloads beyond one an instruction.
	Values int

	Blocks      int // basic blocks, the targets of br_tables counted
	Joints      int // basic blocks without those
	CrossLocals int // locals that are read in another block than they were written
	Merges      int // blocks that more than one way leads to
	Edges       int // those ways
	Walks       int // over the ways: blocks back to the merge before
	LookBack    int // over the reads of locals: blocks back to the merge before
	KnownCopies int // over the blocks: addresses with known bounds
	LoopDepth   int // of the deepest loop in loops
	LoopDepths  int // over the blocks: loops around them
}

// Work is how long the engine may take at worst to compile such a function,
// on one core of the machine of DESIGN.md.
func (w *Weight) Work() time.Duration {
	live := float64(w.CrossLocals)
	ns := 200*float64(w.Instructions) +
		1000*float64(w.Accesses) +
		8000*float64(w.Traps) +
		4000*float64(w.Calls) +
		25000*float64(w.CallsByTable) +
		35000*float64(w.Bulks) +
		500*float64(w.Values) +
		2000*float64(w.Targets) + 0.5*float64(w.Targets)*float64(w.Targets) +
		8*float64(w.Blocks)*float64(w.Joints) +
		150*float64(w.LoopDepths) +
		80*float64(w.LookBack) +
		100*float64(w.KnownCopies) +
		1500*float64(w.Merges)*live +
		16*float64(w.Walks)*live +
		5*float64(w.Edges)*live*live +
		8*float64(w.LoopDepth)*float64(w.Edges)*live
	return time.Duration(min(ns, 1e18))
}

// Memory is how much memory the engine may need at worst while it compiles
// such a function, in bytes.
func (w *Weight) Memory() int {
	live := float64(w.CrossLocals)
	bytes := 250*float64(w.Instructions) +
		600*float64(w.Accesses) +
		8000*float64(w.Traps) +
		3000*float64(w.Calls) +
		13000*float64(w.CallsByTable) +
		22000*float64(w.Bulks) +
		400*float64(w.Values) +
		4000*float64(w.Blocks) +
		24*float64(w.KnownCopies) +
		100*float64(w.Merges)*live +
		400*float64(w.Edges)*live
	return int(min(bytes, 1e18))
}
