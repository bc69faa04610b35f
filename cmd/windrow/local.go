//go:build linux || darwin

package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/host"
	"github.com/windrow-dev/windrow/runtime/module"
	"github.com/windrow-dev/windrow/runtime/sandbox"
)

// The hidden arguments with which this program starts itself as a sandbox.
const (
	sandboxArg = "__sandbox"
	compileArg = "__compile"
)

// child is the whole program where it was started as a sandbox.
func child(args []string) (code int, is bool) {
	if len(args) == 0 {
		return 0, false
	}
	switch args[0] {
	case sandboxArg:
		return sandbox.Main(), true
	case compileArg:
		return sandbox.CompileMain(), true
	}
	return 0, false
}

// closeWithin is how long a sandbox has to end.
const closeWithin = 5 * time.Second

// runLocal makes one attempt in a sandbox of this machine's.
func (a *app) runLocal(ctx context.Context, l *localRun) error {
	wasm, err := os.ReadFile(l.file)
	if err != nil {
		return &usageError{err}
	}
	info, err := module.Read(wasm, module.Limits{})
	if err != nil {
		return &rejected{err}
	}
	dir, release, err := localCache()
	if err != nil {
		return err
	}
	defer release()
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	h, err := host.New(host.Config{Executable: program, SandboxArgs: []string{sandboxArg}, CompileArgs: []string{compileArg},
		CacheDir: dir, Concurrency: 1, Memory: 2 * host.MaxMemoryLimit})
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
		defer cancel()
		_ = h.Close(ctx) // it kills what is left
	}()
	m := host.Module{Digest: module.Digest(wasm), Path: l.file, Kind: string(info.Kind)}
	if err := h.Compile(ctx, m); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &rejected{err}
	}
	attempt, err := l.attempt(ctx, h, m)
	if err != nil {
		return err
	}
	w := &watched{out: a.errs, terminal: isTerminal(a.errs), log: l.logs}
	if w.log {
		attempt.OnLog = func(text []byte) { _ = w.text(string(text)) } // a terminal that is gone
	}
	if w.terminal {
		attempt.OnProgress = func(b []byte) { _ = w.progress(b) }
	}
	r, err := attemptOnce(ctx, h, attempt)
	w.clear()
	if err != nil {
		return err
	}
	return a.tellLocal(l, attempt, &r)
}

func attemptOnce(ctx context.Context, h *host.Host, at *host.Attempt) (host.Result, error) {
	got := make(chan host.Result, 1)
	h.Submit(at, func(r host.Result) { got <- r })
	select {
	case r := <-got:
		if !r.Began && r.Outcome.Error == nil {
			return r, errors.New("no sandbox could be started")
		}
		return r, nil
	case <-ctx.Done():
		h.Kill(at.ID, queue.ErrRevoked)
		<-got
		return host.Result{}, ctx.Err()
	}
}

// manifest is what a reactor says of its tasks, as far as one attempt asks.
type manifest struct {
	Tasks []struct {
		Name     string `json:"name"`
		Defaults struct {
			Timeout     *wire.Duration `json:"timeout"`
			SoftTimeout *wire.Duration `json:"soft_timeout"`
			Memory      *wire.Size     `json:"memory"`
		} `json:"defaults"`
	} `json:"tasks"`
}

// attempt makes of the command line what the host runs.
func (l *localRun) attempt(ctx context.Context, h *host.Host, m host.Module) (*host.Attempt, error) {
	at := &host.Attempt{Module: m, Task: l.task, Number: 1, Output: l.call.Output, ID: newTaskID()}
	timeout, soft, memory := l.call.Timeout, l.call.SoftTimeout, l.call.Memory
	if m.Kind == host.KindReactor {
		text, err := h.Describe(ctx, m)
		if err != nil {
			return nil, &rejected{err}
		}
		var has manifest
		if err := json.Unmarshal(text, &has); err != nil {
			return nil, &rejected{fmt.Errorf("what the module tells of itself cannot be read: %w", err)}
		}
		var names []string
		for _, t := range has.Tasks {
			names = append(names, t.Name)
		}
		if at.Task == "" && len(names) == 1 {
			at.Task = names[0]
		}
		n := slices.Index(names, at.Task)
		switch {
		case at.Task == "":
			return nil, usagef("%s has several tasks; say which by --task: %s", l.file, strings.Join(names, ", "))
		case n < 0:
			return nil, usagef("%s has no task %q; it has %s", l.file, at.Task, strings.Join(names, ", "))
		}
		d := has.Tasks[n].Defaults
		timeout, soft, memory = first(timeout, d.Timeout), first(soft, d.SoftTimeout), first(memory, d.Memory)
	} else if at.Task == "" {
		at.Task = "main"
	} else if at.Task != "main" {
		return nil, usagef("%s is a command: its only task is main, not %q", l.file, at.Task)
	}
	if timeout != nil {
		at.Timeout = timeout.Std()
	}
	if soft != nil {
		at.SoftTimeout = soft.Std()
	}
	if memory != nil {
		at.MemoryLimit = int64(*memory)
	}
	var err error
	at.Input, err = localInput(m.Kind, &l.call)
	return at, err
}

func first[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

// localInput is what a node would give the guest: the input, or the arguments.
func localInput(kind string, call *windrow.Call) ([]byte, error) {
	if kind == host.KindCommand && call.Input != nil {
		if call.Stdin != "raw" {
			return call.Input, nil
		}
		var text string
		if err := json.Unmarshal(call.Input, &text); err != nil {
			return nil, usagef("--raw: %w", err)
		}
		return []byte(text), nil
	}
	given := struct {
		Args   json.RawMessage `json:"args"`
		Kwargs json.RawMessage `json:"kwargs"`
		Input  json.RawMessage `json:"input,omitempty"`
	}{json.RawMessage("[]"), json.RawMessage("{}"), call.Input}
	if call.Args != nil {
		given.Args = call.Args
	}
	if call.Kwargs != nil {
		given.Kwargs = call.Kwargs
	}
	return json.Marshal(given)
}

// tellLocal prints an outcome as await prints a task.
func (a *app) tellLocal(l *localRun, at *host.Attempt, r *host.Result) error {
	o := &r.Outcome
	t := &windrow.Task{ID: at.ID.String(), Task: l.module + "." + at.Task, Module: l.module, State: wire.StateSuccess,
		Args: l.call.Args, Kwargs: l.call.Kwargs, Input: l.call.Input, Result: o.Result, Attempt: 1, Delivery: 1, LogBytes: o.LogLen,
		StartedAt: wire.At(o.Started), FinishedAt: wire.At(o.Finished), Usage: &wire.Usage{WallMS: float64(o.Usage.WallNanos) / 1e6,
			CPUMS: float64(o.Usage.CPUNanos) / 1e6, MemoryBytes: o.Usage.MemoryBytes}}
	failed := &taskFailed{id: t.Task, local: true, log: o.LogLen > 0 && !l.logs}
	if !o.OK {
		t.State, t.Result = wire.StateFailure, nil
		t.Error = &wire.Error{Type: o.Error.Type, Message: o.Error.Message, ExitCode: o.Error.ExitCode, Trace: o.Error.Trace}
		failed.state, failed.kind, failed.message = t.State, o.Error.Type, o.Error.Message
	}
	if a.json() {
		if err := a.printJSON(t); err != nil {
			return err
		}
	} else if o.OK {
		return a.printResult(t.Result, l.raw)
	}
	if o.OK {
		return nil
	}
	if t.Error.Trace != "" && l.logs {
		_ = copyText(a.errs, strings.NewReader(strings.TrimRight(t.Error.Trace, "\n")+"\n"), isTerminal(a.errs)) // as OnLog
	}
	return failed
}

// newTaskID makes a UUIDv7, as a node does.
func newTaskID() (id queue.ID) {
	_, _ = rand.Read(id[:]) // never fails
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(time.Now().UnixMilli()))
	copy(id[:6], ms[2:])
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id
}

const (
	// localCaches is how many local runs may keep compiled code at a time.
	localCaches = 64
	// cacheAge is how long compiled code is kept.
	cacheAge = 7 * 24 * time.Hour
)

// localCache gives a folder for compiled code that no other process uses now:
// a host takes what it finds in its folder for its own, and kills the sandboxes
// that belong there.
func localCache() (dir string, release func(), err error) {
	base, err := os.UserCacheDir()
	if err == nil {
		base = filepath.Join(base, "windrow", "sandbox")
		err = os.MkdirAll(base, 0o700)
	}
	if err != nil { // no home: compile every time
		dir, err := os.MkdirTemp("", "windrow-sandbox")
		if err != nil {
			return "", nil, fmt.Errorf("a folder for compiled code: %w", err)
		}
		return dir, func() { _ = os.RemoveAll(dir) }, nil
	}
	for i := range localCaches {
		dir := filepath.Join(base, fmt.Sprint(i))
		lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return "", nil, fmt.Errorf("a folder for compiled code: %w", err)
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			forgetOld(dir)
			return dir, func() { lock.Close() }, nil
		}
		lock.Close()
	}
	return "", nil, fmt.Errorf("%d local runs are under way already; wait for one of them", localCaches)
}

// forgetOld removes compiled code that was made long ago.
func forgetOld(dir string) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return // there is none yet
	}
	for _, e := range list {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > cacheAge {
			_ = os.RemoveAll(filepath.Join(dir, e.Name())) // another run tries again
		}
	}
}
