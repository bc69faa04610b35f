package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// compiler fills the cache: a directory for each digest, made in a child
// process under a temporary name and renamed when it is whole. Compiled code is
// code that runs, so nobody but compile children writes there, each only into
// its own directory, and that directory is ours again before it gets its name.
type compiler struct {
	h      *Host
	ctx    context.Context
	cancel context.CancelFunc
	turns  chan struct{} // so many compile at once
	work   sync.WaitGroup

	mu      sync.Mutex
	running map[string]*compilation
	closed  bool
}

// compilation is one that runs, and how it ended for those who wait.
type compilation struct {
	done chan struct{}
	err  error
}

// refusal is a failure to compile that is the module's own: no node can.
type refusal string

func (r refusal) Error() string { return string(r) }

// compilesAtOnce is few: each may take a core and two gigabytes.
const compilesAtOnce = 1

// tmpPrefix begins the names of directories that are not whole.
const tmpPrefix = "tmp-"

func newCompiler(h *Host) *compiler {
	c := &compiler{h: h, turns: make(chan struct{}, compilesAtOnce), running: map[string]*compilation{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

func (c *compiler) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.work.Wait()
}

// isDigestName reports whether a text may name a directory in the cache.
func isDigestName(s string) bool {
	return isName(s, 128, "_-") && s[0] != '_' && s[0] != '-' && !strings.HasPrefix(s, tmpPrefix)
}

// directory is where a module's compiled code is, or would be.
func (c *compiler) directory(m Module) (string, error) {
	name := strings.TrimPrefix(m.Digest, "sha256:")
	if !isDigestName(name) {
		return "", refusal(fmt.Sprintf("%q is no digest", m.Digest))
	}
	return filepath.Join(c.h.cfg.CacheDir, name), nil
}

// ensure compiles the module unless that has been done. Several who ask at
// once share one compilation, which goes on when one of them gives up.
func (c *compiler) ensure(ctx context.Context, m Module) error {
	dir, err := c.directory(m)
	if err != nil {
		return err
	}
	c.mu.Lock()
	run := c.running[dir]
	if run == nil {
		if _, err := os.Stat(dir); err == nil || c.closed {
			defer c.mu.Unlock()
			if c.closed {
				return ErrClosed
			}
			return nil
		}
		run = &compilation{done: make(chan struct{})}
		c.running[dir] = run
		c.work.Go(func() { c.compile(m, dir, run) })
	}
	c.mu.Unlock()
	select {
	case <-run.done:
		return run.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// forget removes compiled code with which no child could start.
func (c *compiler) forget(m Module) {
	dir, err := c.directory(m)
	if err != nil {
		return
	}
	if err := os.RemoveAll(dir); err != nil {
		c.h.log.Warn("remove compiled code", "digest", m.Digest, "error", err)
	}
}

func (c *compiler) compile(m Module, dir string, run *compilation) {
	select {
	case c.turns <- struct{}{}:
		run.err = c.compileInto(m, dir)
		<-c.turns
	case <-c.ctx.Done():
		run.err = ErrClosed
	}
	c.mu.Lock()
	delete(c.running, dir)
	c.mu.Unlock()
	close(run.done)
}

func (c *compiler) compileInto(m Module, dir string) (err error) {
	tmp, err := os.MkdirTemp(c.h.cfg.CacheDir, tmpPrefix)
	if err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(tmp) // the sweep at the next start tries again
		}
	}()
	if owner := c.h.spawner.isolation.owner; owner != isolationOwnUser {
		if err := os.Chown(tmp, owner, owner); err != nil {
			return fmt.Errorf("compile: %w", err)
		}
	}
	start := time.Now()
	if err := c.child(m, tmp); err != nil {
		return err
	}
	if err := seal(tmp); err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	c.h.log.Debug("compiled a module", "digest", m.Digest, "took", time.Since(start))
	return nil
}

// child runs one compile child to its end.
func (c *compiler) child(m Module, tmp string) error {
	ctx, cancel := context.WithTimeoutCause(c.ctx, c.h.cfg.CompileTimeout, errCompileTime)
	defer cancel()
	p, err := c.h.spawner.start(&spec{args: c.h.cfg.CompileArgs, compile: true, module: m.Path, dir: tmp})
	if err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	defer p.close()
	stop := context.AfterFunc(ctx, func() { _ = p.Kill() }) // it may have ended
	defer stop()
	var said []byte
	var drain sync.WaitGroup
	drain.Go(func() { said = drainStderr(p.stderr) })
	kind, body, err := frame.NewReader(p.answers, true).Next(frame.SoftFrame)
	if err != nil {
		_ = p.Kill() // whatever it does, it has said nothing we can use
	}
	state, werr := p.Wait()
	drain.Wait()
	switch {
	case errors.Is(context.Cause(ctx), errCompileTime): // late, however it ended
		return errCompileTime
	case err == nil && kind == frame.KindReady && werr == nil && state.Success():
		return nil
	case err == nil && kind == frame.KindFailed && werr == nil && state.ExitCode() == frame.ExitNodeFault:
		return fmt.Errorf("compile: %s", text([]byte(frame.DecodeFailed(body))))
	case err == nil && kind == frame.KindFailed:
		return refusal(text([]byte(frame.DecodeFailed(body))))
	case ctx.Err() != nil:
		return ErrClosed
	case outOfMemory(said):
		return refusal("compiling the module takes more than 2 GiB of memory")
	case werr != nil:
		return fmt.Errorf("compile: %w", werr)
	}
	return fmt.Errorf("the compiler ended with %s: %s", state, firstLine(said))
}

var errCompileTime = errors.New("compiling the module takes too long")

// seal makes what a compile child left ours and read-only, and refuses what it
// should not have left. The child ran a compiler over hostile input: its word
// on what it wrote counts for nothing.
func seal(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !e.IsDir() && !e.Type().IsRegular() {
			return fmt.Errorf("the compiler left a %s", e.Type())
		}
		if err := os.Lchown(path, os.Geteuid(), os.Getegid()); err != nil {
			return err
		}
		mode := fs.FileMode(0o444)
		if e.IsDir() {
			mode = 0o755
		}
		return os.Chmod(path, mode)
	})
}

// sweepCache removes what compilations left that did not end.
func sweepCache(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, tmpPrefix+"*"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := os.RemoveAll(name); err != nil {
			return err
		}
	}
	return nil
}

// maxStderr is how much of what a dying child says is kept: the first line
// names the reason, the rest is stacks.
const maxStderr = 8 << 10

// drainStderr reads to the end and returns the beginning.
func drainStderr(r io.Reader) []byte {
	said, _ := io.ReadAll(io.LimitReader(r, maxStderr)) // what could be read counts
	_, _ = io.Copy(io.Discard, r)
	return said
}

// outOfMemory reports whether the Go runtime died of a refused mapping.
func outOfMemory(stderr []byte) bool {
	s := string(stderr)
	return strings.Contains(s, "out of memory") || strings.Contains(s, "cannot allocate memory")
}

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	return text([]byte(line))
}
