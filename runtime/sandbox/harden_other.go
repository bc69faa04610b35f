//go:build !linux

package sandbox

// These put up the layers of hardening. Here there is none: macOS is for
// development.

func early(_ []string, _ int) []string { return nil }

func late(_ []string, _ int64) []string { return nil }

func earlyCompile(_ []string, _ int) []string { return nil }

func lateCompile(_ []string) []string { return nil }
