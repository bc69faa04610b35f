//go:build cgo

package sandbox

// builtWithCgo says that Landlock cannot be put up: for a program with cgo the
// library looks for its threads under /proc, where a process in a PID
// namespace of its own does not find them, and waits for ever.
const builtWithCgo = true
