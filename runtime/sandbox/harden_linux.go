package sandbox

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	llsys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// The layers that a child puts up itself, by the names it reports.
const (
	LayerOOM         = "oom_score"
	LayerNoNewPrivs  = "no_new_privs"
	LayerUndumpable  = "undumpable"
	LayerParentDeath = "parent_death"
	LayerDescriptors = "descriptors"
	LayerLimits      = "rlimits"
	LayerLandlock    = "landlock"
	LayerMDWE        = "mdwe"
	LayerSeccomp     = "seccomp"
	LayerAddresses   = "address_space"
	LayerNice        = "nice"
)

// layer is one step of hardening. A step that fails leaves the others: the
// report says what holds, and the parent decides whether that is enough.
type layer struct {
	name string
	up   func() error
}

func raise(skip []string, layers []layer) []string {
	var held []string
	for _, l := range layers {
		if slices.Contains(skip, l.name) {
			continue
		}
		if l.up() == nil {
			held = append(held, l.name)
		}
	}
	return held
}

// early puts up what does not hinder loading a module. end is the first
// descriptor that the process must not have.
func early(skip []string, end int) []string {
	return raise(skip, append(always(end), layer{LayerLimits, func() error {
		return limits(map[int]uint64{unix.RLIMIT_FSIZE: 0, unix.RLIMIT_NOFILE: maxDescriptors})
	}}))
}

// Hard limits of a compile child. What an honest module needs: a Go guest of
// 3.3 MB takes 1.5 s and 75 MB.
const (
	compileMemory  = 2 << 30 // mapped beyond what the process starts with
	compileSeconds = 60      // of processor time
	compileFile    = 1 << 30
)

// earlyCompile is early for a compile child.
func earlyCompile(skip []string, end int) []string {
	return raise(skip, append(always(end), layer{LayerNice, yieldCPU}, layer{LayerLimits, func() error {
		return limits(map[int]uint64{
			unix.RLIMIT_FSIZE: compileFile, unix.RLIMIT_NOFILE: maxDescriptors, unix.RLIMIT_CPU: compileSeconds,
		})
	}}, layer{LayerAddresses, func() error { return limitAddresses(compileMemory) }}))
}

// always is what every child puts up first.
func always(end int) []layer {
	return []layer{
		// First, while /proc/self is still ours to write.
		{LayerOOM, func() error { return os.WriteFile("/proc/self/oom_score_adj", []byte("900"), 0) }},
		{LayerNoNewPrivs, noNewPrivs},
		{LayerUndumpable, func() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }},
		{LayerParentDeath, func() error {
			return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
		}},
		{LayerDescriptors, func() error { return closeFrom(end) }},
	}
}

// late puts up the rest, once nothing needs to be opened or compiled any more.
// slack is how much the process may map beyond what it has mapped, bytes; 0 is
// any amount.
func late(skip []string, slack int64) []string {
	return raise(skip, []layer{
		{LayerNice, yieldCPU},
		{LayerAddresses, func() error { return limitAddresses(slack) }},
		{LayerLandlock, func() error { return restrictFiles() }},
		{LayerMDWE, func() error { return unix.Prctl(unix.PR_SET_MDWE, unix.PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) }},
		{LayerSeccomp, func() error { return filterCalls(runCalls()) }},
	})
}

// lateCompile shuts a compile child in with its directory. It must map
// executable memory and write files, so MDWE is not for it.
func lateCompile(skip []string) []string {
	return raise(skip, []layer{
		{LayerLandlock, func() error {
			return restrictFiles(landlock.RWDirs(directoryPath(frame.FDCompileOut)))
		}},
		{LayerSeccomp, func() error { return filterCalls(compileCalls()) }},
	})
}

// noNewPrivs is for children of a parent whose forking thread has not got it:
// then every thread here needs it, and stopping them all may take milliseconds.
func noNewPrivs() error {
	if n, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && n == 1 {
		return nil // inherited, by all of them
	}
	if _, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno == 0 {
		return nil
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}

// niceness keeps the node's heartbeats on time while guests burn every core.
const niceness = 10

// yieldCPU puts all threads, and with them those to come, behind the node's. A
// run child does so once it is loaded: what comes before is a few milliseconds
// of our own code, which others that burn the cores should not hold up.
func yieldCPU() error {
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, niceness); errno != 0 {
		return errno
	}
	return nil
}

// closeFrom closes what the process inherited and must not have, all but what
// the Go runtime has opened for itself since, which it marked close-on-exec.
func closeFrom(end int) error {
	for fd := end; fd < 1024; fd++ {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			_ = unix.Close(fd)
		}
	}
	return nil
}

// maxDescriptors is enough for the pipes, the poller and one file.
const maxDescriptors = 16

func limits(of map[int]uint64) error {
	of[unix.RLIMIT_CORE], of[unix.RLIMIT_MEMLOCK], of[unix.RLIMIT_MSGQUEUE] = 0, 0, 0
	for what, max := range of {
		if err := unix.Prlimit(0, what, &unix.Rlimit{Cur: max, Max: max}, nil); err != nil {
			return err
		}
	}
	return nil
}

// limitAddresses is the hard stop behind the parent's watch over memory: a
// table of 2^27 entries is a gigabyte at once, which no poll sees in time.
func limitAddresses(slack int64) error {
	if slack <= 0 {
		return unix.ENOTSUP
	}
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	pages, err := strconv.ParseUint(strings.Fields(string(statm))[0], 10, 64)
	if err != nil {
		return err
	}
	max := pages*uint64(os.Getpagesize()) + uint64(slack)
	return unix.Prlimit(0, unix.RLIMIT_AS, &unix.Rlimit{Cur: max, Max: max}, nil)
}

// restrictFiles leaves the process no file but those the rules name, no TCP, and
// no signal to anybody outside, as far as the kernel's Landlock goes.
func restrictFiles(rules ...landlock.Rule) error {
	if v, err := llsys.LandlockGetABIVersion(); err != nil || v < 1 || builtWithCgo {
		return unix.ENOSYS
	}
	return landlock.V9.BestEffort().Restrict(rules...)
}
