package e2e

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

var update = flag.Bool("update", false, "write the tables of docs/ that these tests hold anew")

// wrong is a file that people push and that is no module, or not one for here.
type wrong struct {
	what string // as docs/modules.md calls it
	file func(t *testing.T) string
	code string   // of the refusal
	says []string // what its owner can do
}

const wrongHead = "package main\n\nimport \"github.com/windrow-dev/windrow/sdk/guest\"\n\nfunc main() { guest.Main() }\n\n"

// program is a Go program that needs nothing.
const program = "package main\n\nfunc main() { println(\"hello\") }\n"

// wrongModules are the usual ways to be wrong, the most usual first.
var wrongModules = []wrong{
	{"a Go program, built for this machine", goFile(program, []string{"GOOS=linux", "GOARCH=amd64"}), "not_wasm", []string{"GOOS=wasip1 GOARCH=wasm go build"}},
	{"a Go program, built with `GOOS=js`", goFile(program, []string{"GOOS=js", "GOARCH=wasm"}), "module_javascript_host", []string{"GOOS=wasip1"}},
	{"tasks of the Go SDK, built without `-buildmode=c-shared`", goFile(guestSource, wasip1), "module_bad_entry", []string{"-buildmode=c-shared", "windrow dev"}},
	{"a Go program without tasks, built with `-buildmode=c-shared`", goFile(program, wasip1, "-buildmode=c-shared"), "module_no_entry", []string{"without -buildmode=c-shared", "SDK"}},
	{"the Go SDK, and no call of `guest.Handle`", goFile(wrongHead, wasip1, "-buildmode=c-shared"), "invalid_module", []string{"guest.Handle"}},
	{"an import that does not exist (`//go:wasmimport env magic`, a C function that is only declared)",
		goFile("package main\n\n//go:wasmimport env magic\nfunc magic()\n\nfunc main() { magic() }\n", wasip1), "module_unknown_import", []string{"env.magic", "link the library", "//go:wasmimport"}},
	{"a host function that does not exist", raw(importing("windrow", "http_get")), "module_unknown_import", []string{"windrow has call, read"}},
	{"Rust with wasm-bindgen, wasm-pack", raw(importing("__wbindgen_placeholder__", "__wbindgen_throw")), "module_javascript_host", []string{"--target wasm32-wasip1"}},
	{"a component, WASI preview 2 (`wasm32-wasip2`, jco)", raw([]byte("\x00asm\x0d\x00\x01\x00")), "module_component", []string{"--target wasm32-wasip1"}},
	{"Emscripten", raw(importing("env", "emscripten_memcpy_js")), "module_javascript_host", []string{"wasi-sdk", "-sSTANDALONE_WASM"}},
	{"AssemblyScript without the WASI shim", raw(importing("env", "abort")), "module_javascript_host", []string{"wasi-shim"}},
	{"a library: no entry point", raw(exporting("add")), "module_no_entry", []string{"It exports add, memory", "main function"}},
	{"a module beyond the largest size", sparse, "too_large", []string{"-ldflags='-s -w'", "--max-module"}},
	{"a module in text form", raw([]byte("(module)\n")), "not_wasm", []string{"wat2wasm"}},
	{"the source", raw([]byte(program)), "not_wasm", []string{"GOOS=wasip1 GOARCH=wasm go build"}},
	{"a compressed module", gzipped, "not_wasm", []string{"gunzip"}},
	{"half of a module", raw(guests.Wasm(guests.Echo)[:len(guests.Wasm(guests.Echo))/2]), "module_truncated", []string{"send it again"}},
	{"an empty file", raw(nil), "module_empty", []string{"no bytes"}},
}

var wasip1 = []string{"GOOS=wasip1", "GOARCH=wasm"}

func raw(b []byte) func(*testing.T) string {
	return func(t *testing.T) string {
		file := filepath.Join(t.TempDir(), "task.wasm")
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
}

func goFile(source string, env []string, flags ...string) func(*testing.T) string {
	return func(t *testing.T) string {
		dir := guestFolder(t, map[string]string{"main.go": source})
		goIn(t, dir, env, append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", "task.wasm"}, flags...)...)
		return filepath.Join(dir, "task.wasm")
	}
}

func sparse(t *testing.T) string {
	file := raw(guests.Wasm(guests.Echo))(t)
	if err := os.Truncate(file, 64<<20+1); err != nil {
		t.Fatal(err)
	}
	return file
}

func gzipped(t *testing.T) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(guests.Wasm(guests.Echo))
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return raw(b.Bytes())(t)
}

// place is where a refusal says its fault is, which a toolchain's next version
// may move.
var place = regexp.MustCompile(` \([^()]*byte [0-9]+\)$`)

// TestWrongModules pushes what is wrong in each usual way with the real command
// line, and holds the table of docs/modules.md to what it prints.
func TestWrongModules(t *testing.T) {
	tools, n := commandLine(t), testnode.Start(t)
	var table strings.Builder
	table.WriteString("| pushed | refused with |\n| --- | --- |\n")
	for _, w := range wrongModules {
		t.Run(w.code, func(t *testing.T) {
			push := exec.Command(filepath.Join(tools, "bin", "windrow"), "module", "push", "wrong", w.file(t))
			push.Env = append(os.Environ(), "WINDROW_SERVER="+n.URL())
			var stdout, stderr bytes.Buffer
			push.Stdout, push.Stderr = &stdout, &stderr
			_ = push.Run() // its exit code says more
			said := stderr.String()
			t.Logf("%s\n%s", w.what, said)
			if code := push.ProcessState.ExitCode(); code != 4 || stdout.Len() > 0 {
				t.Fatalf("%s: exit code %d, stdout %q, stderr %q", w.what, code, &stdout, said)
			}
			for _, s := range append(w.says, w.code) {
				if !strings.Contains(said, s) {
					t.Errorf("%s: what is said lacks %q: %s", w.what, s, said)
				}
			}
			_, detail, _ := strings.Cut(said, "\n")
			detail = place.ReplaceAllString(strings.TrimSpace(detail), "")
			fmt.Fprintf(&table, "| %s | `%s` |\n", w.what, strings.ReplaceAll(strings.Join(strings.Fields(detail), " "), "|", `\|`))
		})
	}
	if a := n.Do("GET", "/v1/modules/wrong", nil); a.Status != 404 {
		t.Errorf("a wrong module is there: %s", a.Body)
	}
	if !t.Failed() {
		tableIn(t, "../../docs/modules.md", "TestWrongModules", table.String())
	}
}

// tableIn compares a page's part, between marks with a test's name, or writes
// it with -update.
func tableIn(t *testing.T, file, test, want string) {
	t.Helper()
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- go test ./internal/e2e -run "+test+" -update -->\n", "<!-- end -->\n"
	head, rest, found := strings.Cut(string(have), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for what %s writes", file, test)
	}
	page := head + begin + want + end + tail
	if *update {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if page != string(have) {
		t.Errorf("%s is not what is printed now; run: go test ./internal/e2e -run %s -update", file, test)
	}
}
