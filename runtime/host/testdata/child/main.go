// The sandbox of the tests where the test binary itself was built with cgo,
// as for the race detector.
package main

import (
	"os"

	"github.com/windrow-dev/windrow/runtime/sandbox"
)

func main() {
	if os.Args[1] == "compile-child" {
		os.Exit(sandbox.CompileMain())
	}
	os.Exit(sandbox.Main())
}
