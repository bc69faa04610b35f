package module

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Kind is how a guest is run.
type Kind string

const (
	// Command starts at _start, reads stdin, writes stdout and ends.
	Command Kind = "command"
	// Reactor exports windrow_describe and windrow_run and speaks to the
	// host through the windrow imports.
	Reactor Kind = "reactor"
)

// Info is what a module is and what it asks of its host. It holds no part of
// the bytes it was read from.
type Info struct {
	Kind Kind
	Size int

	Imports []Import
	Exports []Export
	// Initialize says that a reactor exports _initialize, to be called once
	// before anything else.
	Initialize bool
	// Start says that the module has a start function, which runs while the
	// instance is made.
	Start bool

	MemoryMin uint32 // pages of 64 KiB
	MemoryMax uint32 // pages; meaningful when MemoryBounded
	// MemoryBounded says that the module itself declares a maximum.
	MemoryBounded bool

	Types, Functions int // Functions counts the defined ones only
	Globals          int
	Tables           int
	TableElements    int // what all tables can reach together
	Elements         int // entries of all element segments
	DataSegments     int
	DataBytes        int
	CodeBytes        int // of the code section

	// Features are the proposals after Wasm 1.0 that the code uses, by name.
	Features []string
	// Mutates says what would outlive a reset of memory and globals, so
	// that an instance which does it must not be reset in place.
	Mutates Mutations

	Producers []Producer
	Language  string // such as "Go", from the producers; empty if unknown
	Toolchain string // such as "Go cmd/compile go1.26.8"; empty if unknown

	// CompileTime is how long the engine may take at worst to compile the
	// module on one core, by Weight.Work.
	CompileTime time.Duration
	// Heaviest is what the function that is dearest to compile holds.
	Heaviest Weight
}

// Mutations are the state of an instance beside its memory and its plain
// globals.
type Mutations struct {
	Tables      bool // table.set, grow, copy, init or fill occurs
	Segments    bool // data.drop or elem.drop occurs
	WideGlobals bool // a mutable global of type v128 or of a reference
}

// Import is a function that the module wants from its host.
type Import struct {
	Module, Name string
	Type         string // such as "(i32, i32) -> i64"
}

// Export is what the module offers.
type Export struct {
	Name string
	Kind string // "function", "table", "memory" or "global"
	Type string // of a function: such as "() -> i32"
}

// Producer is one line of the producers section: a tool and its version.
type Producer struct {
	Field, Name, Version string
}

// Digest names bytes by their SHA-256, as the rest of Windrow does.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Read says what the module in b is, or why it is refused. The error is an
// *Error. Read keeps nothing of b.
func Read(b []byte, lim Limits) (*Info, error) {
	r := &reader{lim: lim.filled()}
	r.c = cursor{b: b, end: len(b), function: -1}
	r.info.Size = len(b)
	if len(b) > r.lim.ModuleBytes {
		r.c.fail(CodeTooLarge, r.lim.ModuleBytes, "the module is %s bytes long; at most %s are allowed. Strip its debug information (wasm-strip, -ldflags=\"-s -w\", strip = true), or leave data out of it and give it to the task as input", thousands(len(b)), thousands(r.lim.ModuleBytes))
		return nil, r.c.err
	}
	r.header()
	r.sections()
	r.entry()
	if r.c.err != nil {
		r.nameFunction()
		return nil, r.c.err
	}
	r.finish()
	return &r.info, nil
}
