package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// guestPackage is what makes a Go module a reactor.
const guestPackage = "github.com/windrow-dev/windrow/sdk/guest"

// buildScript is what builds a folder that holds no Go program.
const buildScript = "build.sh"

// build builds the program in a folder for Wasm. What the toolchain says goes to
// errs.
func build(ctx context.Context, dir, out string, errs io.Writer) (string, error) {
	if holds(dir, "*.go") {
		return buildGo(ctx, dir, out, errs)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(dir, buildScript), out)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = dir, errs, errs, time.Second
	err := cmd.Run()
	switch _, failed := errors.AsType[*exec.ExitError](err); {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case failed:
		return "", &buildFailed{dir}
	case err != nil:
		return "", usagef("%s: %w", buildScript, err)
	}
	return out, nil
}

// holds reports whether a folder has a file that a pattern fits.
func holds(dir, pattern string) bool {
	found, err := filepath.Glob(filepath.Join(globText(dir), pattern))
	return err == nil && len(found) > 0
}

// buildGo builds the Go program in a folder for Wasm. What the toolchain says
// goes to errs.
func buildGo(ctx context.Context, dir, out string, errs io.Writer) (string, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", usagef("the Go toolchain is not in PATH; it is at https://go.dev/dl/")
	}
	deps, err := toolchain(ctx, dir, errs, "list", "-deps", "-f", "{{.ImportPath}}", ".")
	if err != nil {
		return "", err
	}
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out}
	if strings.Contains("\n"+deps, "\n"+guestPackage+"\n") {
		args = append(args, "-buildmode=c-shared")
	}
	_, err = toolchain(ctx, dir, errs, append(args, ".")...)
	return out, err
}

// toolchain runs go for Wasm and gives what it puts out.
func toolchain(ctx context.Context, dir string, errs io.Writer, args ...string) (string, error) {
	var stdout strings.Builder
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	cmd.Stdout, cmd.Stderr = &stdout, errs
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.As(err, &failed):
		return "", &buildFailed{dir}
	case err != nil:
		return "", fmt.Errorf("go %s: %w", args[0], err)
	}
	return stdout.String(), nil
}

// stamp tells one state of a file from another.
type stamp struct {
	size int64
	at   time.Time
}

// snapshot is the state of every file of a folder that may make a difference:
// not of hidden ones, and not of what builds put out.
func snapshot(dir string) map[string]stamp {
	seen := map[string]stamp{}
	// A file that goes meanwhile is a change, which the next look sees.
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		name := filepath.Base(path)
		hidden := path != dir && (strings.HasPrefix(name, ".") || name == "node_modules")
		switch {
		case err != nil:
			return nil //nolint:nilerr // see above
		case e.IsDir() && hidden:
			return filepath.SkipDir
		case e.IsDir() || hidden || strings.HasSuffix(name, ".wasm") || strings.HasSuffix(name, "~"):
			return nil
		}
		if info, err := e.Info(); err == nil {
			seen[path] = stamp{info.Size(), info.ModTime()}
		}
		return nil
	})
	return seen
}

func same(a, b map[string]stamp) bool { return maps.Equal(a, b) }
