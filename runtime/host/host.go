// Package host is the parent's side of the sandboxes: it starts child
// processes, gives them attempts, holds the deadlines and the memory limits,
// and kills. It knows no queue of tasks, no store and no HTTP, and it never
// runs or compiles guest code in its own process.
//
// What comes from a child is checked as if the child were hostile, for one day
// it may be.
package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// Limits that hold where an attempt or the configuration names none.
const (
	DefaultTimeout     = 5 * time.Minute
	DefaultMemoryLimit = 64 << 20
	MaxMemoryLimit     = 512 << 20
	DefaultMaxOutput   = 64 << 20
	MaxInput           = 64 << 20
	DefaultMaxLog      = 256 << 10
	DefaultOutputs     = 128 << 20
)

// Config says how a host works. Executable, SandboxArgs, CompileArgs and
// CacheDir are required; the rest has defaults.
type Config struct {
	// Executable is started with SandboxArgs for a run child and with
	// CompileArgs for a compile child; they must lead to sandbox.Main and
	// sandbox.CompileMain before anything else happens.
	Executable               string
	SandboxArgs, CompileArgs []string
	// CacheDir holds the compiled code, a directory for each module. It is
	// made with mode 0700: who can write there can run code in a sandbox.
	CacheDir string
	// Concurrency is how many attempts may be begun at once; default 4 a core.
	Concurrency int
	// Memory is what the children may take together, bytes: those that work
	// with their limits, those that idle with what they hold.
	// Default 128 MiB for each of Concurrency.
	Memory int64
	// Outputs is how many bytes of this process large answers may take at once,
	// each for two times its length, from its coming to the end of done or of
	// what Hold gave; default 128 MiB. Where one alone takes more, it is alone.
	Outputs int64
	// HandBack is how long every begun attempt must have run, and another
	// waited with no room, before that other is handed back; 0 never does.
	HandBack time.Duration
	// CompileTimeout bounds one compilation by the wall clock; default 1 min.
	CompileTimeout time.Duration
	Logger         *slog.Logger

	// patience with children that do nothing; a test has less of it.
	patience time.Duration
}

// Module is a module's bytes in a file.
type Module struct {
	Digest string // names its compiled code
	Path   string
	Kind   string // KindCommand or KindReactor
}

// The kinds of module.
const (
	KindCommand = "command"
	KindReactor = "reactor"
)

// What an attempt's output may be.
const (
	OutputAuto = "auto" // JSON where it is JSON, else text
	OutputJSON = "json"
	OutputText = "text"
)

// Attempt is one attempt to make. It must not be changed once submitted.
type Attempt struct {
	Module Module
	Task   string // without the module's name
	ID     queue.ID
	Number int
	// Input is what a command reads from stdin. For a reactor it is a JSON
	// object with those of args, kwargs and input that the call has; the rest
	// of the envelope is added.
	Input []byte
	// Timeout runs from the attempt's beginning, not from its submission.
	Timeout, SoftTimeout time.Duration
	MemoryLimit          int64
	Output               string
	MaxOutput, MaxLog    int64
	// Once says that the attempt must not run a second time, whatever happens
	// to the child. Others are run again where a child dies with a result that
	// it had not sent.
	Once bool
	// OnLog and OnProgress are called from the host's goroutine, before done;
	// they must not block, and may keep what they are given.
	OnLog, OnProgress func([]byte)
	// OnBegin hears when the attempt began, once the host has seen it run; one
	// that ends sooner is never seen. It is called as OnLog is, and anew where
	// the attempt runs again.
	OnBegin func(at time.Time)
}

// Result is what became of an attempt. Where it did not begin, Outcome has an
// error type only if the attempt was killed while it waited.
type Result struct {
	Began bool
	// Elsewhere says that the attempt did not begin for a fault that is this
	// node's, as far as it knows: the attempt may be made elsewhere, or later.
	Elsewhere bool
	Outcome   queue.Outcome

	claim *claim // what a large result counts for
}

// Hold lets what the result counts for of Config.Outputs outlast done, which
// alone may call it, until release is called. Who keeps a large result for long
// without it keeps memory that nobody bounds.
func (r *Result) Hold() (release func()) {
	if r.claim == nil {
		return func() {}
	}
	r.claim.held = true
	return r.claim.release
}

// Host runs attempts in child processes.
type Host struct {
	cfg      Config
	log      *slog.Logger
	spawner  *spawner
	compiler *compiler
	outputs  *budget
	layers   []string

	wake chan struct{}
	mu   sync.Mutex
	in   inbox // guarded by mu

	stopped chan struct{} // closed when the loop has ended
	work    sync.WaitGroup
}

// inbox is what other goroutines leave for the loop, in order: jobs too are
// events.
type inbox struct {
	events  []event
	closed  bool
	closing *closing
}

// event is something that happened elsewhere; apply runs in the loop.
type event interface{ apply(*loop) }

// New starts a host: it sweeps away children that an earlier life of this node
// left, and starts one child to see that sandboxes work and what shields them.
func New(cfg Config) (*Host, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("sandbox host: %w", err)
	}
	h := &Host{cfg: cfg, log: cfg.Logger, wake: make(chan struct{}, 1), stopped: make(chan struct{}), outputs: newBudget(cfg.Outputs)}
	mark := ownerMark(cfg.CacheDir)
	if n := sweep(mark); n > 0 {
		h.log.Warn("killed sandboxes that an earlier process left", "count", n)
	}
	if err := sweepCache(cfg.CacheDir); err != nil {
		return nil, fmt.Errorf("sandbox host: %w", err)
	}
	h.spawner = newSpawner(cfg.Executable, mark)
	layers, err := h.spawner.probe(cfg.SandboxArgs)
	if err != nil {
		h.spawner.close()
		return nil, fmt.Errorf("sandbox host: start a sandbox: %w", err)
	}
	h.layers = layers
	h.compiler = newCompiler(h)
	h.work.Go(func() { newLoop(h).run() })
	return h, nil
}

func (c *Config) complete() error {
	if c.Executable == "" || c.CacheDir == "" || len(c.SandboxArgs) == 0 || len(c.CompileArgs) == 0 {
		return errors.New("a host needs Executable, SandboxArgs, CompileArgs and CacheDir")
	}
	dir, err := filepath.Abs(c.CacheDir)
	if err != nil {
		return err
	}
	c.CacheDir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	if c.Concurrency <= 0 {
		c.Concurrency = 4 * runtime.NumCPU()
	}
	if c.Memory <= 0 {
		c.Memory = int64(c.Concurrency) * (128 << 20)
	}
	if c.Outputs <= 0 {
		c.Outputs = DefaultOutputs
	}
	if c.CompileTimeout <= 0 {
		c.CompileTimeout = time.Minute
	}
	if c.patience <= 0 {
		c.patience = patience
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Submit gives an attempt to the host and returns at once. done is called
// exactly once, from the host's goroutine: it must not block, and may submit.
func (h *Host) Submit(a *Attempt, done func(Result)) {
	h.push(&job{a: a, done: done})
}

func (h *Host) push(j *job) {
	if !h.post(j) {
		j.done(Result{}) // the loop's goroutine is gone
	}
}

// Kill ends every attempt with this id: one that runs is killed and fails with
// errType, one that waits is dropped with it.
func (h *Host) Kill(id queue.ID, errType string) {
	h.post(killEvent{match: func(a *Attempt) bool { return a.ID == id }, errType: errType})
}

// KillAll ends every attempt, as Kill does.
func (h *Host) KillAll(errType string) {
	h.post(killEvent{match: func(*Attempt) bool { return true }, errType: errType})
}

// Drop hands back the attempts with this id that have not begun, and leaves
// those that run alone.
func (h *Host) Drop(id queue.ID) { h.post(dropEvent{id}) }

// TakeBack hands back every attempt that has not begun and was submitted more
// than olderThan ago.
func (h *Host) TakeBack(olderThan time.Duration) {
	h.post(takeBackEvent{olderThan: olderThan})
}

// Compile makes sure that the module's compiled code is in the cache. The
// error says, for people, why the module cannot be compiled.
func (h *Host) Compile(ctx context.Context, m Module) error {
	return h.compiler.ensure(ctx, m)
}

// Describe returns what a reactor's windrow_describe says of it.
func (h *Host) Describe(ctx context.Context, m Module) ([]byte, error) {
	if err := h.Compile(ctx, m); err != nil {
		return nil, err
	}
	m.Kind = KindReactor
	got := make(chan Result, 1)
	a := &Attempt{Module: m, Timeout: describeTimeout, MaxOutput: maxManifest, Output: OutputJSON}
	if id, err := newID(); err == nil {
		a.ID = id
	}
	h.push(&job{a: a, describe: true, done: func(r Result) { got <- r }})
	select {
	case r := <-got:
		switch {
		case r.Outcome.Error != nil:
			return nil, fmt.Errorf("describe: %s: %s%s", r.Outcome.Error.Type, r.Outcome.Error.Message, lastWords(r.Outcome.Log))
		case !r.Outcome.OK:
			return nil, ErrClosed
		}
		return r.Outcome.Result, nil
	case <-ctx.Done():
		h.Kill(a.ID, queue.ErrRevoked)
		return nil, ctx.Err()
	}
}

// lastWords is what a guest logged before it failed, for whoever uploads it.
func lastWords(log []byte) string {
	if len(log) == 0 {
		return ""
	}
	return "; its log ends with: " + text(log[max(0, len(log)-1024):])
}

const (
	describeTimeout = 10 * time.Second
	maxManifest     = 4 << 20
)

// ErrClosed says that the host has been closed.
var ErrClosed = errors.New("the sandbox host is closed")

// Layers names the layers of hardening that are in force around a guest.
func (h *Host) Layers() []string { return h.layers }

// Close lets running attempts end until ctx is done, then kills: what has
// begun fails as worker_lost, what has not is handed back. After it no child
// is left.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	if h.in.closing == nil {
		h.in.closing = &closing{now: make(chan struct{})}
	}
	c := h.in.closing
	h.mu.Unlock()
	h.post(c)
	var err error
	select {
	case <-h.stopped:
	case <-ctx.Done():
		err = ctx.Err()
		c.once.Do(func() { close(c.now) })
		h.post(wakeEvent{})
		<-h.stopped
	}
	h.compiler.close()
	h.work.Wait()
	h.spawner.close()
	return err
}

// closing says that the host shall end: gently, until now is closed.
type closing struct {
	once sync.Once
	now  chan struct{}
}

func (c *closing) apply(l *loop) { l.closing = c }

// post leaves an event for the loop. After the loop has ended it is dropped,
// and post reports false.
func (h *Host) post(e event) bool {
	h.mu.Lock()
	open := !h.in.closed
	if open {
		h.in.events = append(h.in.events, e)
	}
	h.mu.Unlock()
	if open {
		h.signal()
	}
	return open
}

func (h *Host) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

type wakeEvent struct{}

func (wakeEvent) apply(*loop) {}
