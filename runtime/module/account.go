package module

import "time"

// account checks the finished function against the limits and adds it to the
// module's sum.
func (f *walker) account(at int) {
	c := &f.c
	if c.err != nil {
		return
	}
	w := &f.weight
	work, memory := w.Work(), w.Memory()
	f.targets += w.Targets
	f.work += work
	switch {
	case memory > f.lim.CompileMemory:
		c.fail(CodeLimit, at, "the engine might need %s MiB to compile the function; at most %s MiB are allowed. Split it%s", thousands(memory>>20), thousands(f.lim.CompileMemory>>20), w.why())
	case f.work > f.lim.CompileTime:
		c.fail(CodeLimit, at, "the engine might need %s to compile the module up to this function, and %s for the function alone; at most %s are allowed. Split it%s", f.work.Round(time.Millisecond), work.Round(time.Millisecond), f.lim.CompileTime, w.why())
	case f.targets > f.lim.TotalTargets:
		c.fail(CodeLimit, at, "all br_tables so far have %s targets; at most %s are allowed in one module. Split the module", thousands(f.targets), thousands(f.lim.TotalTargets))
	}
	if work > f.info.Heaviest.Work() {
		f.info.Heaviest = *w
	}
}

func (w *Weight) why() string {
	return " (it has " + thousands(w.Blocks) + " basic blocks and " + thousands(w.CrossLocals) + " locals that live across them)"
}
