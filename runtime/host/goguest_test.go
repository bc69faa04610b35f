package host

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

func buildGuest(t *testing.T, name string, flags ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a Go guest")
	}
	path := filepath.Join(t.TempDir(), name+".wasm")
	build := exec.Command("go", append(append([]string{"build", "-o", path}, flags...), "./testdata/"+name)...)
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func TestGoReactor(t *testing.T) {
	h := newHost(t)
	m := Module{Digest: "goreactor", Path: buildGuest(t, "goreactor", "-buildmode=c-shared"), Kind: KindReactor}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if b, err := h.Describe(ctx, m); err != nil || string(b) != `{"abi":1,"tasks":[{"name":"sum"}]}` {
		t.Errorf("%s, %v", b, err)
	}
	for range 3 {
		o := run(t, h, call(m, "sum", `{"args":[1,2,39]}`))
		if string(o.Result) != "42" || string(o.Log) != "adding\n" {
			t.Errorf("%s %+v, log %q", o.Result, o.Error, o.Log)
		}
	}
	if o := run(t, h, call(m, "sum", `{"args":"none"}`)); o.OK || o.Error.Type != "bad_envelope" {
		t.Errorf("%+v", o.Error)
	}
}

// A Go program, which brings a scheduler, timers and a collector of its own.
func TestGoGuest(t *testing.T) {
	h := newHost(t)
	m := Module{Digest: "goguest", Path: buildGuest(t, "goguest"), Kind: KindCommand}
	var got struct {
		In      string
		Slept   int
		Random  string
		NoFiles bool `json:"no_files"`
		Env     []string
		Args    int
	}
	seen := map[string]bool{}
	for range 3 {
		o := run(t, h, attempt(m, "hello"))
		if err := json.Unmarshal(o.Result, &got); err != nil {
			t.Fatalf("%v: %s %+v", err, o.Result, o.Error)
		}
		if got.In != "hello" || got.Slept < 25 || !got.NoFiles || len(got.Env) != 2 || got.Args != 0 || seen[got.Random] || string(o.Log) != "slept\n" {
			t.Errorf("%s, log %q", o.Result, o.Log)
		}
		seen[got.Random] = true
		t.Logf("wall %s, cpu %s, memory %d", time.Duration(o.Usage.WallNanos), time.Duration(o.Usage.CPUNanos), o.Usage.MemoryBytes)
	}
	for _, c := range []struct{ input, want string }{
		{"panic", queue.ErrExitCode}, {"hog", queue.ErrOutOfMemory}, {"recurse", queue.ErrOutOfMemory}, {"select", queue.ErrExitCode},
	} {
		o := run(t, h, within(30*time.Second, attempt(m, c.input)))
		if o.OK || o.Error.Type != c.want {
			t.Errorf("%s: %+v %s", c.input, o.Error, o.Log)
		}
	}
	look(h, func(l *loop) {
		for _, c := range l.children {
			t.Logf("a child holds %d MiB", residentBytes(c.Pid)>>20)
		}
	})
}
