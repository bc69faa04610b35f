package guests_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/runtime/module"
)

// maxSize keeps the committed modules small enough to be read in a review.
const maxSize = 40 << 10

func TestEveryGuestHasASource(t *testing.T) {
	want := map[string]bool{}
	for _, pattern := range []string{"src/*.c", "src/*.wat"} {
		sources, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sources {
			base := filepath.Base(s)
			want[strings.TrimSuffix(base, filepath.Ext(base))] = true
		}
	}
	for _, name := range guests.Names() {
		if !want[name] {
			t.Errorf("%s.wasm has no source in src/", name)
		}
		delete(want, name)
		if n := len(guests.Wasm(name)); n > maxSize {
			t.Errorf("%s.wasm is %d bytes, more than %d", name, n, maxSize)
		}
	}
	for name := range want {
		t.Errorf("src/ has %s, which was never built: run make guests", name)
	}
}

// TestGuestsAreAccepted: each is a command that a node would take.
func TestGuestsAreAccepted(t *testing.T) {
	for _, name := range guests.Names() {
		info, err := module.Read(guests.Wasm(name), module.Defaults())
		if err != nil {
			t.Errorf("%s is refused: %v", name, err)
			continue
		}
		if info.Kind != module.Command {
			t.Errorf("%s is a %v", name, info.Kind)
		}
	}
}

// TestGuestsAreBuiltFromTheirSources rebuilds them and compares bytes.
func TestGuestsAreBuiltFromTheirSources(t *testing.T) {
	if why, err := exec.Command("bash", "build.sh", "-check").CombinedOutput(); err != nil {
		t.Skipf("guests not rebuilt: %s (Debian: apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32 wabt)", bytes.TrimSpace(why))
	}
	out := t.TempDir()
	if msg, err := exec.Command("bash", "build.sh", out).CombinedOutput(); err != nil {
		t.Fatalf("build.sh: %v\n%s", err, msg)
	}
	for _, name := range guests.Names() {
		built, err := os.ReadFile(filepath.Join(out, name+".wasm"))
		if err != nil {
			t.Errorf("read rebuilt guest: %v", err)
			continue
		}
		if !bytes.Equal(built, guests.Wasm(name)) {
			t.Errorf("wasm/%s.wasm is not what src/ builds: run make guests", name)
		}
	}
}

// TestWhatGuestsDo runs each once, so that a test elsewhere can lean on what
// the list of names promises.
func TestWhatGuestsDo(t *testing.T) {
	cases := []struct {
		guest, stdin string
		env          string // WINDROW_ATTEMPT
		stdout       string
		stderr       string
		exit         uint32
		trap         string // part of the trap's message
	}{
		{guest: guests.Echo, stdin: `{"a":"ü"}`, stdout: `{"a":"ü"}`},
		{guest: guests.Echo, stdin: strings.Repeat("long", 50_000), stdout: strings.Repeat("long", 50_000)},
		{guest: guests.Noop},
		{guest: guests.Fail, stdin: `3`, stderr: "fail: as asked\n", exit: 3},
		{guest: guests.Fail, stdin: `{"args":[7],"kwargs":{}}`, stderr: "fail: as asked\n", exit: 7},
		{guest: guests.Fail, stdin: `null`, stderr: "fail: as asked\n", exit: 1},
		{guest: guests.TempFail, exit: 75},
		{guest: guests.Flaky, stdin: `2`, env: "2", exit: 75},
		{guest: guests.Flaky, stdin: `2`, env: "3", stdout: "3"},
		{guest: guests.Trap, trap: "unreachable"},
		{guest: guests.OutOfBounds, trap: "out of bounds"},
		{guest: guests.DivZero, trap: "divide by zero"},
		{guest: guests.Sleep, stdin: `1`, stdout: "1"},
		{guest: guests.Hog, stdin: `2`, stdout: "2"},
		{guest: guests.Hog, stdin: `null`, stderr: "hog: no more memory\n", trap: "unreachable"},
		{guest: guests.Recursion, trap: "stack overflow"},
		{guest: guests.BigOut, stdin: `40000`, stdout: strings.Repeat("x", 40_000)},
		{guest: guests.BadText, stdout: "a\xff\xfe\x00"},
		{guest: guests.Logger, stdin: `2`, stderr: "line 1\nline 2\n", stdout: "2"},
		{guest: guests.Counter, stdout: "[1,1]"},
		{guest: guests.Environ, env: "0", stdout: "argc=0\nWINDROW_ATTEMPT=0\n"},
		{guest: guests.Files, stdout: "0"},
	}
	seen := map[string]bool{guests.Spin: true} // has its own test
	for _, c := range cases {
		seen[c.guest] = true
		t.Run(c.guest+"/"+c.stdin[:min(len(c.stdin), 12)], func(t *testing.T) {
			got := runGuest(t.Context(), t, c.guest, c.stdin, c.env)
			if got.stdout != c.stdout || got.stderr != c.stderr || got.exit != c.exit {
				t.Errorf("stdout %.80q stderr %q exit %d, want %.80q %q %d", got.stdout, got.stderr, got.exit, c.stdout, c.stderr, c.exit)
			}
			if (c.trap == "") != (got.trap == "") || !strings.Contains(got.trap, c.trap) {
				t.Errorf("trap %q, want %q", got.trap, c.trap)
			}
		})
	}
	for _, name := range guests.Names() {
		if !seen[name] {
			t.Errorf("nothing here says what %s does", name)
		}
	}
}

func TestSpinNeverEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	got := runGuest(ctx, t, guests.Spin, "", "")
	if got.exit != sys.ExitCodeDeadlineExceeded {
		t.Fatalf("spin ended by itself: %+v", got)
	}
}

type ending struct {
	stdout, stderr string
	exit           uint32
	trap           string
}

func runGuest(ctx context.Context, t *testing.T, name, stdin, attempt string) ending {
	t.Helper()
	config := wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(256).WithCloseOnContextDone(true)
	rt := wazero.NewRuntimeWithConfig(t.Context(), config)
	t.Cleanup(func() { _ = rt.Close(context.Background()) })
	wasi_snapshot_preview1.MustInstantiate(t.Context(), rt)
	var stdout, stderr bytes.Buffer
	mod := wazero.NewModuleConfig().WithStdin(strings.NewReader(stdin)).WithStdout(&stdout).WithStderr(&stderr).
		WithSysNanotime().WithSysNanosleep()
	if attempt != "" {
		mod = mod.WithEnv("WINDROW_ATTEMPT", attempt)
	}
	_, err := rt.InstantiateWithConfig(ctx, guests.Wasm(name), mod)
	got := ending{stdout: stdout.String(), stderr: stderr.String()}
	var exit *sys.ExitError
	switch {
	case errors.As(err, &exit):
		got.exit = exit.ExitCode()
	case err != nil:
		got.trap = err.Error()
	}
	return got
}
