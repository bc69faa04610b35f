package module

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// The guests are real Go programs, built by the toolchain that runs the test.

const goCommand = `package main

import (
	"encoding/json"
	"os"
)

func main() {
	var v any
	if err := json.NewDecoder(os.Stdin).Decode(&v); err != nil {
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(v)
}
`

const goLarge = `package main

import (
	"encoding/json"
	"net/http"
	"os"
)

func main() {
	r, err := http.Get(os.Args[1])
	if err != nil {
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(r.Header)
}
`

const goReactor = `package main

import (
	"encoding/json"
	"fmt"
	"unsafe"
)

//go:wasmimport windrow call
func call(op int32, ptr unsafe.Pointer, n int32) int64

//go:wasmimport windrow read
func read(ptr unsafe.Pointer, n int32) int32

//go:wasmexport windrow_describe
func describe() int32 {
	b, _ := json.Marshal(map[string]any{"abi": 1})
	call(1, unsafe.Pointer(&b[0]), int32(len(b)))
	return 0
}

//go:wasmexport windrow_run
func run() int32 {
	b := make([]byte, 100)
	fmt.Println(read(unsafe.Pointer(&b[0]), 100))
	return 0
}

func main() {}
`

// buildGo compiles a Go program for WASI and gives the module.
func buildGo(t testing.TB, source string, args ...string) []byte {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a Go guest")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"main.go": source, "go.mod": "module guest\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", append([]string{"build", "-o", "guest.wasm"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "guest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// command33 is the guest of 3.3 MB that research measured with, built once.
var command33 struct {
	once sync.Once
	b    []byte
}

func goCommandGuest(t testing.TB) []byte {
	command33.once.Do(func() { command33.b = buildGo(t, goCommand) })
	if command33.b == nil {
		t.Skip("the Go guest was not built")
	}
	return command33.b
}

func TestGoCommand(t *testing.T) {
	info := accepted(t, goCommandGuest(t))
	if info.Kind != Command || info.Language != "Go" || !strings.HasPrefix(info.Toolchain, "Go cmd/compile go1.") {
		t.Errorf("kind %s, language %q, toolchain %q", info.Kind, info.Language, info.Toolchain)
	}
	if info.DataSegments < 10_000 || info.Functions < 1000 || len(info.Imports) < 10 {
		t.Errorf("%d data segments, %d functions, %d imports", info.DataSegments, info.Functions, len(info.Imports))
	}
}

func TestGoReactor(t *testing.T) {
	info := accepted(t, buildGo(t, goReactor, "-buildmode=c-shared"))
	if info.Kind != Reactor || !info.Initialize {
		t.Errorf("kind %s, initialize %v", info.Kind, info.Initialize)
	}
}

// TestGoLarge takes a program of 13 MB whose linker uses all of the 100,000
// data segments that it allows itself, and stays far from the other limits.
func TestGoLarge(t *testing.T) {
	info := accepted(t, buildGo(t, goLarge))
	lim := Defaults()
	if info.CompileTime > lim.CompileTime/4 || info.TableElements > lim.TableElements/4 || info.Heaviest.Memory() > lim.CompileMemory/4 {
		t.Errorf("a common program comes near the limits: %+v", info)
	}
}

func TestGoForJavaScript(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a Go guest")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte("package main\n\nfunc main() { println(1) }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-o", file+".wasm", file)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	b, err := os.ReadFile(file + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	refused(t, b, CodeJavaScriptHost, "GOOS=wasip1")
}

// TestGoGuestDamaged cuts and flips a real module here and there.
func TestGoGuestDamaged(t *testing.T) {
	b := goCommandGuest(t)
	for n := 9; n < len(b); n += len(b) / 11 {
		var e *Error
		if _, err := Read(b[:n], Limits{}); !errors.As(err, &e) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
		was := b[n]
		b[n] ^= 0xff
		_, _ = Read(b, Limits{}) // anything but a panic
		b[n] = was
	}
}

func BenchmarkReadGoCommand(b *testing.B) {
	guest := goCommandGuest(b)
	b.SetBytes(int64(len(guest)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(guest, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDigestGoCommand(b *testing.B) {
	guest := goCommandGuest(b)
	b.SetBytes(int64(len(guest)))
	for b.Loop() {
		Digest(guest)
	}
}
