//go:build cgo

package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// executable is what children are started from. A binary with cgo cannot put
// up all layers, so one without is built.
func executable(t testing.TB) string {
	t.Helper()
	exe, err := childBinary()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

var childBinary = sync.OnceValues(func() (string, error) {
	exe := filepath.Join(os.TempDir(), "windrow-test-child")
	build := exec.Command("go", "build", "-o", exe, "./testdata/child")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	return exe, build.Run()
})
