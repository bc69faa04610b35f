//go:build !cgo

package sandbox

// builtWithCgo says whether layers must be left off; see the other file.
const builtWithCgo = false
