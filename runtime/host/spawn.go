package host

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// spawner starts children, all from one thread: a child's parent-death signal
// is tied to the thread that forked it, and so is the no-new-privileges flag
// that the child inherits. The thread ends with the spawner and is used for
// nothing else.
type spawner struct {
	executable string
	mark       string // last argument of every child, for the sweep
	binary     *os.File
	isolation  isolation
	todo       chan func()
	once       sync.Once
	ended      chan struct{}
}

// isolation is how children are set apart at the spawn.
type isolation struct {
	layers []string
	attr   func(compile bool) *syscall.SysProcAttr
	owner  int // user id of compile children; -1 is our own
}

// isolationOwnUser says that children run as the node's own user.
const isolationOwnUser = -1

func newSpawner(executable, mark string) *spawner {
	s := &spawner{executable: executable, mark: mark, todo: make(chan func()), ended: make(chan struct{})}
	go s.run() // ended by close
	return s
}

func (s *spawner) run() {
	defer close(s.ended)
	runtime.LockOSThread() // and never unlocked: the thread dies with us
	prepareThread()
	for f := range s.todo {
		f()
	}
}

func (s *spawner) close() {
	s.once.Do(func() { close(s.todo) })
	<-s.ended
	if s.binary != nil {
		_ = s.binary.Close()
	}
}

// childEnv is all the environment a child has. Two threads let it answer
// while a guest computes; a rare collection is cheap, for what lives is small
// and the linear memory is not on Go's heap. The runtime need not watch the
// limits of a cgroup, for which it would keep files open.
var childEnv = []string{"GOMAXPROCS=2", "GOGC=400", "GODEBUG=containermaxprocs=0,updatemaxprocs=0"}

// proc is a child process and our ends of its pipes.
type proc struct {
	*os.Process
	orders  *os.File // nil for a compile child
	answers *os.File
	stderr  *os.File
	page    *frame.Page // nil for a compile child
}

// spec is what to start.
type spec struct {
	args    []string
	compile bool
	module  string // path; "" for a probe
	dir     string // the compiled code, or where to put it; "" for a probe
}

// start starts a child from the spawner's thread.
func (s *spawner) start(sp *spec) (p *proc, err error) {
	finished := make(chan struct{})
	s.todo <- func() {
		defer close(finished)
		p, err = s.startHere(sp)
	}
	<-finished
	return p, err
}

func (s *spawner) startHere(sp *spec) (_ *proc, err error) {
	var open files
	defer open.closeTheirs()
	p := &proc{}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	theirs, err := open.forChild(p, sp)
	if err != nil {
		return nil, err
	}
	attr := &os.ProcAttr{
		Files: theirs,
		Env:   childEnv,
		Dir:   workingDirectory(sp.dir),
		Sys:   s.isolation.attr(sp.compile),
	}
	argv := append(append([]string{filepath.Base(s.executable)}, sp.args...), s.mark)
	err = withMapping(func() error {
		p.Process, err = os.StartProcess(s.path(), argv, attr)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.executable, err)
	}
	return p, nil
}

// files collects the ends that only the child keeps.
type files struct {
	theirs []*os.File
}

func (f *files) closeTheirs() {
	for _, t := range f.theirs {
		_ = t.Close()
	}
}

// pipe makes a pipe; read says that we read and the child writes.
func (f *files) pipe(read bool) (ours, theirs *os.File, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	ours, theirs = w, r
	if read {
		ours, theirs = r, w
	}
	f.theirs = append(f.theirs, theirs)
	return ours, theirs, nil
}

func (f *files) open(path string) (*os.File, error) {
	file, err := os.Open(path)
	if err == nil {
		f.theirs = append(f.theirs, file)
	}
	return file, err
}

// forChild makes all descriptors, ours in p, and returns the child's in the
// order of frame's constants.
func (f *files) forChild(p *proc, sp *spec) ([]*os.File, error) {
	var list []*os.File
	var orders, answers, stderr *os.File
	var err error
	if !sp.compile {
		if p.orders, orders, err = f.pipe(false); err != nil {
			return nil, err
		}
	} else if orders, err = f.open(os.DevNull); err != nil {
		return nil, err
	}
	if p.answers, answers, err = f.pipe(true); err != nil {
		return nil, err
	}
	if p.stderr, stderr, err = f.pipe(true); err != nil {
		return nil, err
	}
	list = append(list, orders, answers, stderr)
	if !sp.compile {
		page, shared, err := newPage()
		if err != nil {
			return nil, err
		}
		f.theirs = append(f.theirs, shared)
		p.page = page
		list = append(list, shared)
	}
	for _, path := range []string{sp.module, sp.dir} {
		if path == "" {
			continue
		}
		file, err := f.open(path)
		if err != nil {
			return nil, err
		}
		list = append(list, file)
	}
	return list, nil
}

// close closes our ends. The process must have been waited for, or never
// started.
func (p *proc) close() {
	for _, f := range []*os.File{p.orders, p.answers, p.stderr} {
		if f != nil {
			_ = f.Close()
		}
	}
	if p.page != nil {
		_ = p.page.Close()
	}
}

// probe finds the strongest isolation with which a child starts, and tells all
// layers that hold around it.
func (s *spawner) probe(args []string) ([]string, error) {
	if err := s.openBinary(); err != nil {
		return nil, err
	}
	var first error
	for _, s.isolation = range isolations() {
		layers, err := s.probeOnce(args)
		if err == nil {
			return append(s.isolation.layers, layers...), nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// probeWithin is how long a child may take to start, also on a busy machine.
const probeWithin = 20 * time.Second

func (s *spawner) probeOnce(args []string) ([]string, error) {
	p, err := s.start(&spec{args: args})
	if err != nil {
		return nil, err
	}
	defer p.close()
	defer func() {
		_ = p.Kill() // it may have ended by itself
		_, _ = p.Wait()
	}()
	load := frame.Load{Probe: true, Slack: mapSlack}
	if _, err := p.orders.Write(frame.End(load.Append(frame.Begin(nil, frame.KindLoad)))); err != nil {
		return nil, err
	}
	_ = p.answers.SetReadDeadline(time.Now().Add(probeWithin)) // a pipe has deadlines
	kind, body, err := frame.NewReader(p.answers, true).Next(frame.SoftFrame)
	if err == nil && kind != frame.KindReady {
		err = fmt.Errorf("a frame of kind %d", kind)
	}
	if err != nil {
		said, _ := io.ReadAll(io.LimitReader(p.stderr, maxStderr))
		return nil, fmt.Errorf("the probe answered nothing useful: %w: %s", err, strings.TrimSpace(string(said)))
	}
	ready, err := frame.DecodeReady(body)
	return ready.Layers, err
}
