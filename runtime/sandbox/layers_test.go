//go:build linux && !cgo

package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// forbidden is a call for each layer that only this layer refuses. It returns
// nil where the call succeeded, or where what the layer sets is not set.
var forbidden = []struct {
	layer string
	call  func() error
}{
	{LayerOOM, func() error { return readBack("/proc/self/oom_score_adj", "900\n") }},
	{LayerNoNewPrivs, func() error {
		n, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
		return isSet(n == 1, err)
	}},
	{LayerUndumpable, func() error {
		n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		return isSet(n == 0, err)
	}},
	{LayerParentDeath, func() error {
		var signal int32
		err := unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&signal)), 0, 0, 0)
		return isSet(signal == int32(unix.SIGKILL), err)
	}},
	{LayerDescriptors, func() error { _, err := unix.Write(strayDescriptor, []byte("x")); return err }},
	{LayerLimits, openMany},
	{LayerNice, func() error {
		n, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
		return isSet(n == 20-niceness, err)
	}},
	{LayerAddresses, func() error {
		_, err := unix.Mmap(-1, 0, 4<<30, unix.PROT_READ, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
		return err
	}},
	{LayerLandlock, openFile},
	{LayerMDWE, makeExecutable},
	{LayerSeccomp, openSocket},
}

const strayDescriptor = 9

func readBack(path, want string) error {
	b, err := os.ReadFile(path)
	return isSet(string(b) == want, err)
}

// isSet turns a setting into the error that a forbidden call would give.
func isSet(set bool, err error) error {
	if err != nil {
		panic(err)
	}
	if set {
		return unix.EPERM
	}
	return nil
}

func openFile() error {
	f, err := os.Open("/etc/passwd")
	if err == nil {
		f.Close()
	}
	return err
}

func openMany() error {
	var open []*os.File
	defer func() {
		for _, f := range open {
			f.Close()
		}
	}()
	for range 40 {
		f, err := os.Open("/dev/null")
		if err != nil {
			return err
		}
		open = append(open, f)
	}
	return nil
}

func makeExecutable() error {
	b, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Munmap(b) }()
	return unix.Mprotect(b, unix.PROT_READ|unix.PROT_EXEC)
}

func openSocket() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// layerChild puts up all layers but those in skip, makes the forbidden call of
// one, and then runs a task.
func layerChild(call string, skip []string) int {
	if call == LayerOOM {
		if err := os.WriteFile("/proc/self/oom_score_adj", []byte("901"), 0); err != nil {
			say("oom_score_adj "+err.Error(), false)
		}
	}
	page := testPage() // needs what the limits forbid
	held := early(skip, frame.FDRunEnd)
	r := testRunner(page)
	held = append(held, late(skip, 512<<20)...)
	for _, f := range forbidden {
		if f.layer == call {
			say("call", f.call() == nil)
		}
	}
	if call == "all" {
		escapes()
	}
	say("held", strings.Join(held, ","))
	// The Go runtime itself must go on: collections, new threads, timers.
	var threads sync.WaitGroup
	for range 8 {
		threads.Go(func() {
			runtime.LockOSThread()
			runtime.GC()
		})
	}
	threads.Wait()
	for n := range 3 {
		res, _ := r.run(&frame.Attempt{Seq: uint64(n + 1), Input: []byte("abc"), Memory: 1 << 20, MaxOutput: 100, Number: 1})
		say("task", res.Exit == frame.ExitOK && string(res.Output) == "ABC")
	}
	return 0
}

// escapes tries what a guest that has taken the process over would try.
func escapes() {
	parent := os.Getppid()
	for name, err := range map[string]error{
		"open": openFile(), "socket": openSocket(), "mprotect": makeExecutable(),
		"ptrace": unix.PtraceAttach(parent), "kill": unix.Kill(parent, 0),
		"execve": unix.Exec("/bin/true", []string{"true"}, nil),
		"mkdir":  unix.Mkdir("/tmp/windrow-escape", 0o700),
		"bpf":    errno(unix.SYS_BPF), "io_uring": errno(unix.SYS_IO_URING_SETUP), "unshare": unix.Unshare(unix.CLONE_NEWNS),
		"clone3": errno(unix.SYS_CLONE3), "mount": unix.Mount("/", "/", "", unix.MS_BIND, ""), "keyctl": errno(unix.SYS_KEYCTL),
		"memfd": errno(unix.SYS_MEMFD_CREATE), "process_vm_writev": errno(unix.SYS_PROCESS_VM_WRITEV), "prlimit": errno(unix.SYS_PRLIMIT64),
		"setns": errno(unix.SYS_SETNS), "userfaultfd": errno(unix.SYS_USERFAULTFD), "perf": errno(unix.SYS_PERF_EVENT_OPEN),
	} {
		say("escape "+name, err == nil)
		if err != nil && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES) {
			say("escape "+name+" "+err.Error(), false)
		}
	}
	_, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_ANON|unix.MAP_PRIVATE)
	say("escape mmap", err == nil)
}

func errno(call uintptr) error {
	if _, _, e := unix.Syscall6(call, 0, 0, 0, 0, 0, 0); e != 0 {
		return e
	}
	return nil
}

// say writes to the pipe on descriptor 1, with no more than a child may use.
func say(what string, v any) { fmt.Fprintln(os.Stdout, what, v) }

func runLayerChild(t *testing.T, call string, skip ...string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", append([]string{"layer-child", call}, skip...)...)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	cmd.ExtraFiles = make([]*os.File, strayDescriptor-2)
	cmd.ExtraFiles[strayDescriptor-3] = null
	cmd.Env = []string{"GOMAXPROCS=2"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s without %v: %v\n%s%s", call, skip, err, out, stderr.String())
	}
	if n := strings.Count(string(out), "task true"); n != 3 {
		t.Errorf("%s without %v: %d of 3 tasks ran\n%s%s", call, skip, n, out, stderr.String())
	}
	return string(out)
}

// Each layer alone refuses its call, and without it the call succeeds.
func TestEachLayer(t *testing.T) {
	var all []string
	for _, f := range forbidden {
		all = append(all, f.layer)
	}
	for _, f := range forbidden {
		others := slices.DeleteFunc(slices.Clone(all), func(l string) bool { return l == f.layer })
		if out := runLayerChild(t, f.layer, others...); !strings.Contains(out, "call false") || !strings.Contains(out, "held "+f.layer+"\n") {
			t.Errorf("%s alone: the call was not refused, or the layer not reported\n%s", f.layer, out)
		}
		if out := runLayerChild(t, f.layer, all...); !strings.Contains(out, "call true") || !strings.Contains(out, "held \n") {
			t.Errorf("%s off: the call did not succeed\n%s", f.layer, out)
		}
	}
}

// With all layers up nothing gets out, and tasks run.
func TestAllLayers(t *testing.T) {
	out := runLayerChild(t, "all")
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "escape ") && !strings.HasSuffix(line, " false\n") {
			t.Error(line)
		}
	}
	if n := strings.Count(out, "escape "); n < 20 {
		t.Errorf("only %d were tried:\n%s", n, out)
	}
	for _, f := range forbidden {
		if !strings.Contains(out, f.layer) {
			t.Errorf("%s is not up:\n%s", f.layer, out)
		}
	}
	t.Log(out)
}
