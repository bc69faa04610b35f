//go:build !cgo

package host

import (
	"os"
	"testing"
)

// executable is what children are started from: this binary.
func executable(t testing.TB) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}
