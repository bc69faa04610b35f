package module

import (
	"errors"
	"strings"
	"testing"
)

// refused asserts that Read refuses b with code, and gives the error.
func refused(t *testing.T, b []byte, code string, says ...string) {
	t.Helper()
	_ = refusal(t, b, code, says...)
}

// refusal is for tests that look at more than refused does.
func refusal(t *testing.T, b []byte, code string, says ...string) *Error {
	t.Helper()
	info, err := Read(b, Limits{})
	var e *Error
	if !errors.As(err, &e) || info != nil {
		t.Fatalf("accepted as %+v, want %s", info, code)
	}
	if e.Code != code {
		t.Fatalf("refused with %q (%s), want code %s", e.Code, e, code)
	}
	for _, s := range says {
		if !strings.Contains(e.Error(), s) {
			t.Errorf("the error does not say %q: %s", s, e)
		}
	}
	if e.Offset < 0 || e.Offset > int64(len(b)) {
		t.Errorf("offset %d lies outside the %d bytes", e.Offset, len(b))
	}
	return e
}

func accepted(t *testing.T, b []byte) *Info {
	t.Helper()
	info, err := Read(b, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestCommand(t *testing.T) {
	g := command()
	g.imports = [][]byte{imp(wasiModule, "fd_write", 0, 1)}
	g.types = append(g.types, funcType("iiii>i"))
	g.exports[0] = exp("_start", 0, 1)
	g.memory = []byte{1, 2, 9}
	g.data = [][]byte{join([]byte{0, 0x41, 8, 0x0b}, text8("hello"))}
	g.custom = [][]byte{custom("producers", list(
		join(text8("language"), list(join(text8("C"), text8("")))),
		join(text8("processed-by"), list(join(text8("clang"), text8("14.0"))))))}
	info := accepted(t, g.bytes())
	if info.Kind != Command || info.MemoryMin != 2 || info.MemoryMax != 9 || !info.MemoryBounded {
		t.Errorf("kind and memory: %+v", info)
	}
	if len(info.Imports) != 1 || info.Imports[0] != (Import{wasiModule, "fd_write", "(i32, i32, i32, i32) -> i32"}) {
		t.Errorf("imports: %+v", info.Imports)
	}
	if len(info.Exports) != 2 || info.Exports[0] != (Export{"_start", "function", "() -> ()"}) {
		t.Errorf("exports: %+v", info.Exports)
	}
	if info.Functions != 1 || info.DataSegments != 1 || info.DataBytes != 5 {
		t.Errorf("counts: %+v", info)
	}
	if info.Language != "C" || info.Toolchain != "clang 14.0" {
		t.Errorf("producers: %+v", info.Producers)
	}
}

func TestReactor(t *testing.T) {
	g := reactor()
	g.types = append(g.types, funcType(">"), funcType("iii>I"), funcType("ii>i"))
	g.imports = [][]byte{imp("windrow", "call", 0, 2), imp("windrow", "read", 0, 3)}
	g.funcs = []byte{0, 0, 1}
	g.exports = [][]byte{exp("windrow_describe", 0, 2), exp("windrow_run", 0, 3), exp("_initialize", 0, 4), exp("_start", 0, 4), exp("memory", 2, 0)}
	g.code = append(g.code, fn(noLocals))
	info := accepted(t, g.bytes())
	if info.Kind != Reactor || !info.Initialize {
		t.Errorf("%+v", info)
	}
}

func TestDigest(t *testing.T) {
	const want = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if got := Digest(nil); got != want {
		t.Errorf("Digest of nothing is %s, want %s", got, want)
	}
}

// TestTruncation cuts valid modules at every byte: none may be accepted,
// unless what was cut off is only what a module can do without.
func TestTruncation(t *testing.T) {
	g := reactor()
	g.tables = [][]byte{{typeFuncref, 0, 1}}
	g.elements = [][]byte{{0, 0x41, 0, 0x0b, 1, 0}}
	g.custom = [][]byte{custom("name", []byte{1}, sized(list(join(u(0), text8("f")))))}
	whole := g.bytes()
	accepted(t, whole)
	end := len(whole) - len(g.custom[0])
	for n := range whole {
		_, err := Read(whole[:n], Limits{})
		if err == nil && n != end {
			t.Errorf("accepted when cut to %d of %d bytes", n, len(whole))
		}
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("cut to %d bytes: %T", n, err)
		}
	}
	refused(t, whole[:end-1], CodeTruncated, "code section", "send it again")
}

// TestLimits sets limits of one's own; what is left at 0 keeps its default.
func TestLimits(t *testing.T) {
	if Defaults() != (Limits{}).filled() || Defaults().filled() != Defaults() {
		t.Error("the zero Limits are not the defaults")
	}
	code := with(8, []byte{2, 0x40, 2, 0x40, 0x0b, 0x0b, 0x20, 0}, brTable(3))
	accepted(t, code)
	for name, lim := range map[string]Limits{
		"bytes":   {ModuleBytes: 20},
		"pages":   {MemoryPages: 1},
		"names":   {NameBytes: 5},
		"exports": {Exports: 1},
		"body":    {BodyBytes: 10},
		"locals":  {Locals: 7},
		"depth":   {Depth: 1},
		"table":   {BranchTargets: 2},
		"tables":  {TableTargets: 3},
		"targets": {TotalTargets: 3},
		"time":    {CompileTime: 1},
		"memory":  {CompileMemory: 1},
	} {
		_, err := Read(code, lim)
		var e *Error
		switch {
		case name == "pages":
			if err != nil {
				t.Errorf("a page is within a limit of one page: %v", err)
			}
		case !errors.As(err, &e) || e.Code != CodeLimit && e.Code != CodeTooLarge:
			t.Errorf("%s: %v", name, err)
		}
	}
}
