package module

import (
	"cmp"
	"time"
)

// Limits bound what a module may hold. A field that is 0 takes its default,
// so that the zero Limits are Defaults. Each bound keeps the engine's compile
// time and memory, or an instance's, in proportion to the module's length;
// DESIGN.md says what was measured for each.
type Limits struct {
	ModuleBytes int // length of the whole module
	MemoryPages int // initial memory, in pages of 64 KiB
	NameBytes   int // one import, export or debug name

	Types           int // function types
	Params          int // of one type
	Results         int // of one type
	Imports         int
	Functions       int // imported and defined
	Exports         int
	Globals         int
	Tables          int
	TableElements   int // of all tables together, each at the size it can reach
	ElementSegments int
	Elements        int // in all element segments together
	DataSegments    int
	DebugNames      int // entries of the name section

	// Of one function:
	BodyBytes     int
	Locals        int // parameters counted
	Depth         int // blocks in blocks
	BranchTargets int // of one br_table
	TableTargets  int // of all its br_tables together

	// Of the module:
	TotalTargets  int           // of all br_tables
	CompileTime   time.Duration // of Weight.Work over all functions
	CompileMemory int           // of Weight.Memory of each function, bytes
}

// Defaults are the limits of a node that sets none.
func Defaults() Limits { return Limits{}.filled() }

func (l Limits) filled() Limits {
	l.ModuleBytes = cmp.Or(l.ModuleBytes, 64<<20)
	l.MemoryPages = cmp.Or(l.MemoryPages, 8192) // 512 MiB
	l.NameBytes = cmp.Or(l.NameBytes, 100_000)

	l.Types = cmp.Or(l.Types, 10_000)
	l.Params = cmp.Or(l.Params, 1_000)
	l.Results = cmp.Or(l.Results, 1_000)
	l.Imports = cmp.Or(l.Imports, 200)
	l.Functions = cmp.Or(l.Functions, 200_000)
	l.Exports = cmp.Or(l.Exports, 10_000)
	l.Globals = cmp.Or(l.Globals, 10_000)
	l.Tables = cmp.Or(l.Tables, 100)
	l.TableElements = cmp.Or(l.TableElements, 100_000)
	l.ElementSegments = cmp.Or(l.ElementSegments, 100_000)
	l.Elements = cmp.Or(l.Elements, 500_000)
	l.DataSegments = cmp.Or(l.DataSegments, 100_000)
	l.DebugNames = cmp.Or(l.DebugNames, 1_000_000)

	l.BodyBytes = cmp.Or(l.BodyBytes, 4<<20)
	l.Locals = cmp.Or(l.Locals, 50_000)
	l.Depth = cmp.Or(l.Depth, 10_000)
	l.BranchTargets = cmp.Or(l.BranchTargets, 10_000)
	l.TableTargets = cmp.Or(l.TableTargets, 50_000)

	l.TotalTargets = cmp.Or(l.TotalTargets, 2_000_000)
	l.CompileTime = cmp.Or(l.CompileTime, time.Minute)
	l.CompileMemory = cmp.Or(l.CompileMemory, 2<<30)
	return l
}
