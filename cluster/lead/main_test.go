package lead_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/windrow-dev/windrow/runtime/sandbox"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "sandbox-child":
			os.Exit(sandbox.Main())
		case "compile-child":
			os.Exit(sandbox.CompileMain())
		}
	}
	goleak.VerifyTestMain(m)
}
