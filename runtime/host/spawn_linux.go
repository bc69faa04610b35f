package host

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// The layers that the parent puts up at the spawn, by the names it reports.
const (
	layerNamespaces = "namespaces"
	layerUser       = "own_user"
)

// prepareThread sets what children inherit from the thread that forks them.
func prepareThread() {
	_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) // the child asks for it again
}

// Users that children become when the node is root, the first that can be
// had. The next one up is for compile children, which may write what run
// children read.
var childUsers = []int{2147480001, 65533}

const childNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUTS | unix.CLONE_NEWNET | unix.CLONE_NEWNS

// isolations lists how children may be set apart, the strongest first.
func isolations() []isolation {
	var list []isolation
	if os.Geteuid() != 0 {
		list = append(list, isolation{layers: []string{layerNamespaces}, owner: isolationOwnUser, attr: func(bool) *syscall.SysProcAttr {
			return inNamespaces(os.Geteuid(), os.Getegid(), os.Geteuid())
		}})
	} else {
		for _, user := range childUsers {
			list = append(list, isolation{layers: []string{layerNamespaces, layerUser}, owner: user + 1, attr: func(compile bool) *syscall.SysProcAttr {
				id := userOf(user, compile)
				return inNamespaces(id, id, innerUser)
			}})
		}
		for _, user := range childUsers {
			list = append(list, isolation{layers: []string{layerUser}, owner: user + 1, attr: func(compile bool) *syscall.SysProcAttr {
				a := attributes()
				id := uint32(userOf(user, compile))
				a.Credential = &syscall.Credential{Uid: id, Gid: id}
				return a
			}})
		}
	}
	return append(list, isolation{layers: nil, owner: isolationOwnUser, attr: func(bool) *syscall.SysProcAttr {
		return attributes()
	}})
}

// innerUser is what a child's own user is called in its namespace. It is not
// 0, so that the child has no capability even there.
const innerUser = 1000

func userOf(run int, compile bool) int {
	if compile {
		return run + 1
	}
	return run
}

// attributes are those of every child: a session of its own, so that no
// signal from a terminal reaches it, and death with its parent.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

func inNamespaces(uid, gid, inner int) *syscall.SysProcAttr {
	a := attributes()
	a.Cloneflags = childNamespaces
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: inner, HostID: uid, Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: inner, HostID: gid, Size: 1}}
	a.Credential = &syscall.Credential{Uid: uint32(inner), Gid: uint32(inner), NoSetGroups: os.Geteuid() != 0}
	return a
}

// withMapping runs f, which forks. A process that is not dumpable, as the node
// is, belongs to root as far as /proc goes, and so does its fork until it
// executes: without root we could not write the fork's user map. So we are
// dumpable for the moment of the fork.
func withMapping(f func() error) error {
	if os.Geteuid() == 0 {
		return f()
	}
	was, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil || was != 0 {
		return f()
	}
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)   // if not, the fork fails and says so
	defer unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) //nolint:errcheck // it was so before
	return f()
}

// openBinary keeps the executable open. Children are started through the
// descriptor: their user need not be able to walk to the file, and a binary
// replaced on disk does not meet the older node that runs. The number must be
// none that a child's own descriptors take.
func (s *spawner) openBinary() error {
	f, err := os.Open(s.executable)
	if err != nil {
		return err
	}
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 64)
	if err != nil {
		return fmt.Errorf("keep %s open: %w", s.executable, err)
	}
	s.binary = os.NewFile(uintptr(fd), s.executable)
	return nil
}

// path names the executable; the exec itself closes the descriptor.
func (s *spawner) path() string { return fmt.Sprintf("/proc/self/fd/%d", s.binary.Fd()) }

func workingDirectory(string) string { return "/" }

// newPage makes a status page and the file behind it for the child. The file
// is sealed: a child that could shorten it would kill its parent with the next
// look at the page.
func newPage() (*frame.Page, *os.File, error) {
	fd, err := unix.MemfdCreate("windrow", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, nil, fmt.Errorf("make the status page: %w", err)
	}
	f := os.NewFile(uintptr(fd), "page")
	err = f.Truncate(frame.PageSize)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("make the status page: %w", err)
	}
	page, err := frame.MapPage(fd)
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return page, f, nil
}

// Protect makes this process undumpable, so that no process of the same user
// can trace it or read its memory. The node calls it before it starts.
func Protect() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
