//go:build linux

package host

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/windrow-dev/windrow/runtime/sandbox"
)

// status reads a field of a process, of all its threads.
func status(t *testing.T, pid int, field string) []string {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(tasks) == 0 {
		t.Fatal(tasks, err)
	}
	var values []string
	for _, task := range tasks {
		b, err := os.ReadFile(task)
		if err != nil {
			continue // a thread that has ended
		}
		for line := range strings.Lines(string(b)) {
			if name, value, _ := strings.Cut(line, ":"); name == field {
				values = append(values, strings.Join(strings.Fields(value), " "))
			}
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// What the kernel says of a child is what the host says of it.
func TestIsolation(t *testing.T) {
	for i, iso := range isolations() {
		t.Run(strings.Join(iso.layers, "+")+"#"+strconv.Itoa(i), func(t *testing.T) {
			h := newHost(t)
			h.spawner.isolation = iso
			p, err := h.spawner.start(&spec{args: []string{"sandbox-child"}})
			if err != nil {
				t.Skip(err) // not here; New would not choose it
			}
			_ = p.Kill()
			_, _ = p.Wait()
			p.close()
			if o := run(t, h, attempt(guest(t, "acts", KindCommand), "count")); !o.OK {
				t.Fatalf("%+v", o.Error)
			}
			var pid int
			look(h, func(l *loop) { pid = l.children[0].Pid })
			checkChild(t, pid, iso.layers)
		})
	}
}

func checkChild(t *testing.T, pid int, layers []string) {
	t.Helper()
	for field, want := range map[string]string{"NoNewPrivs": "1", "Seccomp": "2"} {
		if got := status(t, pid, field); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %v in some thread", field, got)
		}
	}
	for _, tid := range status(t, pid, "Pid") {
		id, _ := strconv.Atoi(tid)
		if nice, err := unix.Getpriority(unix.PRIO_PROCESS, id); err != nil || 20-nice != 10 {
			t.Errorf("a thread has nice %d, %v", 20-nice, err)
		}
	}
	uid := status(t, pid, "Uid")
	if own := slices.Contains(layers, layerUser); own == (uid[0] == status(t, os.Getpid(), "Uid")[0]) {
		t.Errorf("runs as %v", uid)
	}
	if caps := status(t, pid, "CapEff"); slices.Contains(layers, layerUser) && caps[0] != "0000000000000000" {
		t.Errorf("capabilities %v", caps)
	}
	for _, ns := range []string{"user", "pid", "ipc", "uts", "net", "mnt"} {
		ours, err := os.Readlink("/proc/self/ns/" + ns)
		theirs, terr := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, ns))
		if err != nil || terr != nil {
			continue // only root may look
		}
		if apart := ours != theirs; apart != slices.Contains(layers, layerNamespaces) {
			t.Errorf("%s namespace: apart is %v", ns, apart)
		}
	}
	for fd := range 64 {
		to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
		if err == nil && !strings.HasPrefix(to, "pipe:") && !strings.HasPrefix(to, "anon_inode:") {
			t.Errorf("descriptor %d is %s", fd, to)
		}
	}
	if env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err == nil && string(env) != strings.Join(childEnv, "\x00")+"\x00" {
		t.Errorf("environment %q", env)
	}
}

func TestLayers(t *testing.T) {
	h := newHost(t)
	t.Log(h.Layers())
	for _, want := range []string{sandbox.LayerNice, sandbox.LayerUndumpable, sandbox.LayerLimits, sandbox.LayerSeccomp, sandbox.LayerLandlock} {
		if !slices.Contains(h.Layers(), want) {
			t.Errorf("%s is not in force", want)
		}
	}
}

// The node itself must not be open to its children.
func TestProtect(t *testing.T) {
	was, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(was), 0, 0, 0); err != nil {
			t.Error(err)
		}
	}()
	if err := Protect(); err != nil {
		t.Fatal(err)
	}
	h := newHost(t) // starts children all the same
	if o := run(t, h, attempt(guest(t, "acts", KindCommand), "count")); !o.OK {
		t.Errorf("%+v", o.Error)
	}
	if now, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); now != 0 {
		t.Error("it is dumpable again")
	}
}
