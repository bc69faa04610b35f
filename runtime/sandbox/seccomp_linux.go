package sandbox

import (
	"fmt"
	"os"
	"slices"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// calls is an allow-list of system calls: by name, and by name with
// conditions on the arguments.
type calls struct {
	names []string
	when  []seccomp.NameWithConditions
}

// Flags with which the Go runtime starts a thread: with and without a pointer
// to thread-local storage.
const (
	threadFlags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_SYSVSEM | unix.CLONE_THREAD
	archSetFS   = 0x1002 // arch_prctl, amd64
)

// runCalls is all that a loaded child needs: its pipes, memory that is never
// executable, threads, clocks and random bytes.
func runCalls() calls {
	pid := uint64(os.Getpid())
	return calls{
		names: []string{
			"read", "write", "close",
			"epoll_pwait", "epoll_wait", "epoll_ctl", "futex",
			"nanosleep", "clock_nanosleep", "clock_gettime", "gettimeofday",
			"getrandom", "getrusage", "getpid", "gettid", "sched_yield",
			"madvise", "munmap",
			"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
			"exit", "exit_group",
		},
		when: []seccomp.NameWithConditions{
			{Name: "mmap", Conditions: seccomp.ArgumentConditions{
				{Argument: 2, Operation: seccomp.BitsNotSet, Value: unix.PROT_EXEC}}},
			{Name: "clone", Conditions: seccomp.ArgumentConditions{
				{Argument: 0, Operation: seccomp.Equal, Value: threadFlags}}},
			{Name: "clone", Conditions: seccomp.ArgumentConditions{
				{Argument: 0, Operation: seccomp.Equal, Value: threadFlags | unix.CLONE_SETTLS}}},
			{Name: "arch_prctl", Conditions: seccomp.ArgumentConditions{
				{Argument: 0, Operation: seccomp.Equal, Value: archSetFS}}},
			// The runtime interrupts its own threads, and nobody else's.
			{Name: "tgkill", Conditions: seccomp.ArgumentConditions{
				{Argument: 0, Operation: seccomp.Equal, Value: pid}}},
			// It also names its mappings.
			{Name: "prctl", Conditions: seccomp.ArgumentConditions{
				{Argument: 0, Operation: seccomp.Equal, Value: unix.PR_SET_VMA}}},
		},
	}
}

// compileCalls is what a compile child needs: beside the above, files below the
// one directory that Landlock leaves it, and executable memory.
func compileCalls() calls {
	c := runCalls()
	c.names = append(c.names, "mprotect", "mmap", "openat", "fstat", "newfstatat", "fstatat", "statx", "getcwd",
		"lseek", "fcntl", "fsync", "mkdirat", "renameat", "renameat2", "unlinkat", "readlinkat", "pread64")
	c.when = slices.DeleteFunc(c.when, func(n seccomp.NameWithConditions) bool { return n.Name == "mmap" })
	return c
}

// filterCalls refuses every other system call, on all threads, with EPERM.
// Killing would be stricter and no safer: a refused call has no effect.
func filterCalls(c calls) error {
	if builtWithCgo || !seccomp.Supported() {
		return unix.ENOSYS
	}
	here, err := arch.GetInfo("")
	if err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	group := seccomp.SyscallGroup{Action: seccomp.ActionAllow}
	for _, n := range c.names {
		if _, ok := here.SyscallNames[n]; ok {
			group.Names = append(group.Names, n)
		}
	}
	for _, n := range c.when {
		if _, ok := here.SyscallNames[n.Name]; ok {
			group.NamesWithCondtions = append(group.NamesWithCondtions, n)
		}
	}
	return seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true,
		Flag:       seccomp.FilterFlagTSync,
		Policy:     seccomp.Policy{DefaultAction: seccomp.ActionErrno, Syscalls: []seccomp.SyscallGroup{group}},
	})
}
