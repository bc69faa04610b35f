package module

import "strings"

// entry decides the kind of the guest by its exports, and refuses one that
// the host would not know how to start.
func (r *reader) entry() {
	c := &r.c
	if c.err != nil {
		return
	}
	c.section = "export"
	e := r.entries
	switch {
	case e.run != nil:
		r.info.Kind = Reactor
		if e.describe == nil {
			c.fail(CodeNoEntry, e.run.at, "the module exports windrow_run but not windrow_describe, so nothing says which tasks it has; export windrow_describe() -> i32 too, or use a Windrow guest SDK, which does")
			return
		}
		r.entryType(e.run, "() -> i32")
		r.entryType(e.describe, "() -> i32")
		r.entryType(e.initialize, "() -> ()")
		r.info.Initialize = e.initialize != nil
		r.neverStarted()
	case e.start != nil:
		r.info.Kind = Command
		r.entryType(e.start, "() -> ()")
	default:
		c.fail(CodeNoEntry, c.pos, "%s", r.noEntry())
		return
	}
	r.memoryExport()
}

// neverStarted refuses Go tasks that were linked as a program: Go's runtime
// begins in _start alone then, which nobody calls in a reactor.
func (r *reader) neverStarted() {
	e := r.entries
	if e.initialize == nil && e.start != nil && r.madeOf("Go") {
		r.c.fail(CodeBadEntry, e.start.at, "the module has tasks of a Windrow guest SDK (it exports windrow_run) but was built as a program (_start, and no _initialize), in which they cannot be called. Build it with -buildmode=c-shared: GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o task.wasm . (windrow dev does so by itself)")
	}
}

func (r *reader) entryType(e *entry, want string) {
	if e == nil {
		return
	}
	if e.kind != 0 {
		r.c.fail(CodeBadEntry, e.at, "the export %s is a %s; it has to be a function %s", e.name, exportKinds[e.kind], want)
		return
	}
	if got := r.types[r.funcs[e.index]].String(); got != want {
		r.c.fail(CodeBadEntry, e.at, "the export %s has the type %s; it has to be %s", e.name, got, want)
	}
}

func (r *reader) memoryExport() {
	c := &r.c
	switch {
	case r.entries.memory:
	case r.memories == 0:
		c.fail(CodeNoMemory, c.pos, "the module has no memory, so the host can hand it nothing; define one and export it as \"memory\"")
	case r.entries.notMemory != "":
		c.fail(CodeNoMemory, c.pos, "the export \"memory\" is a %s; export the memory by that name", r.entries.notMemory)
	default:
		c.fail(CodeNoMemory, c.pos, "the module does not export its memory; export it as \"memory\" (LLVM: without -Wl,--no-export-memory; by hand: (export \"memory\" (memory 0)))")
	}
}

// noEntry explains a module that has no entry point, by what it has instead.
func (r *reader) noEntry() string {
	switch {
	case r.entries.describe != nil:
		return "the module exports windrow_describe but not windrow_run, so nothing can run its tasks; export windrow_run() -> i32 too, or use a Windrow guest SDK, which does"
	case r.entries.initialize != nil:
		return "the module is a reactor (it exports _initialize) but has no windrow_run, so nothing in it can be called. Build it as a command, with a main function (Go: without -buildmode=c-shared; C: without -mexec-model=reactor; Rust: a binary and not a cdylib), or give it windrow_describe and windrow_run by a Windrow guest SDK"
	}
	var names []string
	for _, e := range r.info.Exports {
		if len(names) == 8 {
			names = append(names, "…")
			break
		}
		names = append(names, quote(e.Name))
	}
	has := "It exports nothing"
	if len(names) > 0 {
		has = "It exports " + strings.Join(names, ", ")
	}
	return "the module has no entry point: neither _start (a command) nor windrow_describe and windrow_run (a reactor). " + has + ". Build a program with a main function for wasm32-wasip1 (Go: GOOS=wasip1 GOARCH=wasm go build; Rust: cargo build --target wasm32-wasip1; C: clang --target=wasm32-wasip1), or use a Windrow guest SDK"
}
