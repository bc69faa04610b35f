package module

// Weight is what makes a function dear to compile.
type Weight struct {
	Function     int // its index, imports counted
	BodyBytes    int
	Locals       int // parameters counted
	Instructions int
	Calls        int
	Blocks       int // basic blocks that its branches, blocks and tables make
	Depth        int // of the deepest block in blocks
	Targets      int // of all its br_tables
	// Values are the block parameters, call and branch arguments, results
	// and reloads beyond one an instruction.
	Values int
	// BlockLocals is Blocks × the locals that the code uses: what the engine
	// may have to carry into every block.
	BlockLocals int
}

// account checks the finished function against the limits and adds it to the
// module's sum.
func (f *walker) account(at int) {
	c := &f.c
	if c.err != nil {
		return
	}
	w := &f.weight
	w.BlockLocals = w.Blocks * min(w.Locals, f.accesses)
	t := &f.total
	t.Targets += w.Targets
	t.Values += w.Values
	t.BlockLocals += w.BlockLocals
	switch {
	case w.Values > f.lim.Values:
		c.fail(CodeLimit, at, "the function's calls, branches and blocks make %s values; at most %s are allowed. Split it, or pass fewer parameters and results", thousands(w.Values), thousands(f.lim.Values))
	case w.BlockLocals > f.lim.BlockLocals:
		c.fail(CodeLimit, at, "the function has %s blocks and %s locals; their product may be %s at most, for the engine carries every local into every block. Split it", thousands(w.Blocks), thousands(min(w.Locals, f.accesses)), thousands(f.lim.BlockLocals))
	case t.Targets > f.lim.TotalTargets:
		c.fail(CodeLimit, at, "all br_tables so far have %s targets; at most %s are allowed in one module. Split the module", thousands(t.Targets), thousands(f.lim.TotalTargets))
	case t.Values > f.lim.TotalValues:
		c.fail(CodeLimit, at, "the calls, branches and blocks so far make %s values; at most %s are allowed in one module. Split the module", thousands(t.Values), thousands(f.lim.TotalValues))
	case t.BlockLocals > f.lim.TotalBlockLocals:
		c.fail(CodeLimit, at, "the functions so far have blocks × locals of %s; at most %s are allowed in one module. Split the module", thousands(t.BlockLocals), thousands(f.lim.TotalBlockLocals))
	}
	if w.Instructions+w.Values+w.BlockLocals > f.info.Heaviest.cost() {
		f.info.Heaviest = *w
	}
}

func (w Weight) cost() int { return w.Instructions + w.Values + w.BlockLocals }
