//go:build unix && !linux

package host

import (
	"fmt"
	"os"
	"syscall"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// Elsewhere than on Linux children are processes and nothing more: good for
// development, and Layers says so.

func prepareThread() {}

func isolations() []isolation {
	return []isolation{{owner: isolationOwnUser, attr: func(bool) *syscall.SysProcAttr {
		return &syscall.SysProcAttr{Setsid: true}
	}}}
}

func withMapping(f func() error) error { return f() }

func (s *spawner) openBinary() error { return nil }

func (s *spawner) path() string { return s.executable }

// workingDirectory is where a child finds or puts its compiled code.
func workingDirectory(dir string) string { return dir }

func newPage() (*frame.Page, *os.File, error) {
	f, err := os.CreateTemp("", "windrow-page-*")
	if err != nil {
		return nil, nil, fmt.Errorf("make the status page: %w", err)
	}
	_ = os.Remove(f.Name()) // it lives on without a name
	if err := f.Truncate(frame.PageSize); err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("make the status page: %w", err)
	}
	page, err := frame.MapPage(int(f.Fd()))
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return page, f, nil
}

// Protect does nothing here.
func Protect() error { return nil }

func ownerMark(string) string { return "windrow-sandbox" }

func sweep(string) int { return 0 }

// residentBytes is not known here.
func residentBytes(int) int64 { return 0 }
