//go:build cgo

package sandbox

// builtWithCgo says that Landlock and seccomp cannot be put up. For a program
// with cgo go-landlock looks for its threads under /proc, where a process in a
// PID namespace of its own does not find them, and waits for ever; and a C
// library starts threads with system calls that the allow-list does not know.
const builtWithCgo = true
