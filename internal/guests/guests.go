// Package guests holds the small Wasm modules that end-to-end tests and
// benchmarks run: one for each thing that a task can do or suffer. Each is a
// command module for wasm32-wasi preview 1 that exports its memory; its source
// in src/ begins with a comment that says what it does with which input.
//
// A guest that takes a number takes the first whole number on its stdin, so
// that 3, [3] and {"args": [3], "kwargs": {}} ask for the same.
//
// The modules are committed, so that no test needs a C compiler; `make guests`
// builds them anew, and this package's test does so and compares.
package guests

import (
	"embed"
	"fmt"
	"slices"
)

//go:embed wasm/*.wasm
var files embed.FS

// The guests by name; what each does stands in src/.
const (
	Echo        = "echo"      // stdin to stdout, byte for byte
	Noop        = "noop"      // nothing
	Fail        = "fail"      // a line on stderr, exit code n (1)
	TempFail    = "tempfail"  // exit code 75
	Flaky       = "flaky"     // exit code 75 while WINDROW_ATTEMPT <= n (1), then prints the attempt
	Trap        = "trap"      // unreachable
	OutOfBounds = "oob"       // a load out of bounds
	DivZero     = "divzero"   // an integer division by zero
	Spin        = "spin"      // a loop without end and without a host call
	Sleep       = "sleep"     // waits n milliseconds (100), then prints n
	Hog         = "hog"       // takes n MiB of memory (all), prints n; traps when refused
	Recursion   = "recursion" // calls itself until the stack is full
	BigOut      = "bigout"    // n bytes (1 MiB) of 'x' on stdout
	BadText     = "badtext"   // bytes on stdout that are no UTF-8
	Logger      = "logger"    // n lines (3) on stderr, "line 1" …, then prints n
	Counter     = "counter"   // [1,1]; more shows state that outlived an attempt
	Environ     = "environ"   // argc=N and the environment, a line each
	Files       = "files"     // how many ways to open a file succeeded: 0
)

// Names lists every guest, sorted.
func Names() []string {
	entries, err := files.ReadDir("wasm")
	if err != nil {
		panic(fmt.Errorf("read embedded guests: %w", err))
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		name := e.Name()
		names = append(names, name[:len(name)-len(".wasm")])
	}
	slices.Sort(names)
	return names
}

// Wasm gives a guest's module. It panics when there is no guest of that name,
// since only a test can ask for one.
func Wasm(name string) []byte {
	b, err := files.ReadFile("wasm/" + name + ".wasm")
	if err != nil {
		panic(fmt.Errorf("no guest %q: have %v", name, Names()))
	}
	return b
}
