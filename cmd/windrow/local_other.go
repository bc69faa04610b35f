//go:build !linux && !darwin

package main

import "context"

func child([]string) (code int, is bool) { return 0, false }

func (a *app) runLocal(context.Context, *localRun) error {
	return usagef("--local needs Linux or macOS; push the module to a node: windrow module push FILE")
}
