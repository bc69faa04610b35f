package module

import (
	"bytes"
	"strings"
	"testing"
)

func TestNotWasm(t *testing.T) {
	for _, c := range []struct{ begin, says string }{
		{"\x1f\x8b\x08\x00 and more", "gzip"},
		{"\x28\xb5\x2f\xfd and more", "zstd"},
		{"PK\x03\x04 and more", "zip archive"},
		{"\x7fELF and more", "ELF"},
		{"MZ\x90\x00", "Windows"},
		{"\xcf\xfa\xed\xfe1234", "macOS"},
		{"!<arch>\n", "library archive"},
		{"BC\xc0\xde1234", "LLVM bitcode"},
		{"AGFzbQEAAAA=", "base64"},
		{"version https://git-lfs.github.com/spec/v1", "git lfs pull"},
		{"(module)", "wat2wasm"},
		{"\n  ;; a comment\n(module (func))", "wat2wasm"},
		{"(component)", "component"},
		{`{"a": 1}`, "JSON"},
		{"<!DOCTYPE html>", "error page"},
		{"#!/bin/sh\n", "script"},
		{"// Hello\npackage main\n", "GOOS=wasip1"},
		{"#include <stdio.h>\n", "clang"},
		{"fn main() {}", "Rust"},
		{"\xef\xbb\xbfimport x from 'y'", "JavaScript"},
		{"/* licence */ export default 1", "JavaScript"},
		{"def main():\n", "Python"},
		{"hello", "text"},
		{"\x01\x02\x03\x04", "unknown kind of file (it begins with 01 02 03 04)"},
		{strings.Repeat("\x00", 257) + "ustar\x00", "tar archive"},
	} {
		refused(t, []byte(c.begin), CodeNotWasm, c.says)
	}
	refused(t, nil, CodeEmpty, "--data-binary")
	for n := 1; n < 8; n++ {
		refused(t, head[:n], CodeTruncated, "send it again")
	}
	refused(t, []byte("\x00asm\x0d\x00\x01\x00"), CodeComponent, "wasm32-wasip1", "not wasm32-wasip2")
	refused(t, []byte("\x00asm\x02\x00\x00\x00"), CodeInvalid, "version 2")
	refused(t, bytes.Repeat([]byte{0}, 64<<20+1), CodeTooLarge, "67,108,865", "wasm-strip")
}

func TestForeignHosts(t *testing.T) {
	for _, c := range []struct{ module, name, code, says string }{
		{"go", "runtime.wasmExit", CodeJavaScriptHost, "GOOS=wasip1"},
		{"gojs", "runtime.wasmExit", CodeJavaScriptHost, "GOOS=wasip1"},
		{"wbg", "__wbg_new_1", CodeJavaScriptHost, "wasm-pack"},
		{"__wbindgen_placeholder__", "__wbindgen_describe", CodeJavaScriptHost, "wasm32-wasip1"},
		{"./task_bg.js", "log", CodeJavaScriptHost, "wasm-bindgen"},
		{"env", "emscripten_resize_heap", CodeJavaScriptHost, "-sSTANDALONE_WASM"},
		{"env", "invoke_ii", CodeJavaScriptHost, "emscripten"},
		{"a", "b", CodeJavaScriptHost, "emscripten"},
		{"env", "abort", CodeJavaScriptHost, "--use abort="},
		{"env", "seed", CodeJavaScriptHost, "wasi-shim"},
		{"rb-js-abi-host", "x", CodeJavaScriptHost, "Ruby"},
		{"teavm", "currentTimeMillis", CodeJavaScriptHost, "TeaVM"},
		{"wasi_unstable", "fd_write", CodeUnknownImport, "first draft"},
		{"wasi:cli/environment@0.2.0", "get-arguments", CodeUnknownImport, "preview 2"},
		{"wasi", "thread-spawn", CodeUnsupported, "threads"},
		{"windrow", "cal", CodeUnknownImport, "nearest is windrow.call"},
		{"wasi_snapshot_preview1", "fd_writ", CodeUnknownImport, "nearest is wasi_snapshot_preview1.fd_write"},
		{"windrow", "something_else_entirely", CodeUnknownImport, "windrow has call, read"},
		{"wasi_snapshot_preview2", "fd_write", CodeUnknownImport, `nearest is "wasi_snapshot_preview1"`},
		{"env", "my_function", CodeUnknownImport, "env.my_function"},
	} {
		g := command()
		g.imports = [][]byte{imp(c.module, c.name, 0, 0)}
		refused(t, g.bytes(), c.code, c.says, "import section")
	}
}

func TestImports(t *testing.T) {
	with := func(types [][]byte, imports ...[]byte) []byte {
		g := command()
		g.types = append(g.types, types...)
		g.imports = imports
		return g.bytes()
	}
	for module, functions := range hostFunctions {
		for name, short := range functions {
			g := command()
			g.types = append(g.types, funcType(short))
			g.imports = [][]byte{imp(module, name, 0, 1)}
			g.exports[0] = exp("_start", 0, 1)
			accepted(t, g.bytes())
			refused(t, with([][]byte{funcType("IIIIIIIIII>I")}, imp(module, name, 0, 1)), CodeImportType, module+"."+name, hostType(short).String())
		}
	}
	refused(t, with(nil, imp("env", "memory", 2, 0, 1)), CodeUnknownImport, "imports the memory env.memory", "--import-memory")
	refused(t, with(nil, imp("env", "table", 1, typeFuncref, 0, 1)), CodeUnknownImport, "imports the table")
	refused(t, with(nil, imp("x", "g", 3, typeI32, 0)), CodeUnknownImport, "imports the global")
	refused(t, with(nil, imp("env", "memory", 2, 3, 1, 1)), CodeUnsupported, "threads")
	refused(t, with(nil, imp("env", "__linear_memory", 2, 0, 1)), CodeUnknownImport, "not linked")
	refused(t, with(nil, imp("env", "__memory_base", 3, typeI32, 0)), CodeUnknownImport, "-shared")
	refused(t, with(nil, imp("env", "tag", 4, 0, 0)), CodeUnsupported, "exception handling")
	refused(t, with(nil, imp("env", "x", 9)), CodeInvalid, "no kind of import")
	refused(t, with(nil, imp("env", "f", 0, 7)), CodeInvalid, "type 7 does not exist")
	// A later import may tell more than the first one that is unknown.
	refused(t, with(nil, imp("env", "my_function", 0, 0), imp("gojs", "x", 0, 0)), CodeJavaScriptHost, "GOOS=wasip1")
	refused(t, with(nil, imp("env", "my_function", 0, 0), imp("env", "\xff", 0, 0)), CodeUnknownImport, "my_function")
	many := make([][]byte, 201)
	for i := range many {
		many[i] = imp(wasiModule, "sched_yield", 0, 1)
	}
	refused(t, with([][]byte{funcType(">i")}, many...), CodeLimit, "201 imports", "import each once")
}

func TestEntryPoints(t *testing.T) {
	exports := func(g guest, e ...[]byte) []byte { g.exports = e; return g.bytes() }
	memory := exp("memory", 2, 0)
	start, describe, run := exp("_start", 0, 0), exp("windrow_describe", 0, 0), exp("windrow_run", 0, 1)
	for _, c := range []struct {
		code string
		says string
		b    []byte
	}{
		{CodeNoEntry, "It exports nothing", exports(command())},
		{CodeNoEntry, "It exports memory, main", exports(command(), memory, exp("main", 0, 0))},
		{CodeNoEntry, "-buildmode=c-shared", exports(command(), memory, exp("_initialize", 0, 0))},
		{CodeNoEntry, "not windrow_run", exports(reactor(), memory, describe)},
		{CodeNoEntry, "not windrow_describe", exports(reactor(), memory, run)},
		{CodeBadEntry, "has the type () -> i32; it has to be () -> ()", exports(reactor(), memory, exp("_start", 0, 0))},
		{CodeBadEntry, "windrow_run has the type () -> ()", exports(command(), memory, exp("windrow_run", 0, 0), exp("windrow_describe", 0, 0))},
		{CodeBadEntry, "_initialize has the type () -> i32", exports(reactor(), memory, run, describe, exp("_initialize", 0, 0))},
		{CodeBadEntry, "_start is a memory", exports(command(), memory, exp("_start", 2, 0))},
		{CodeNoMemory, "does not export its memory", exports(command(), start)},
		{CodeNoMemory, `"memory" is a function`, exports(command(), start, exp("memory", 0, 0))},
		{CodeNoMemory, "has no memory", func() []byte { g := command(); g.memory = nil; return exports(g, start) }()},
		{CodeNoMemory, "does not export its memory", exports(reactor(), run, describe)},
		{CodeInvalid, `two exports have the name "memory"`, exports(command(), start, memory, memory)},
		{CodeInvalid, "function 7, which does not exist", exports(command(), exp("f", 0, 7))},
		{CodeInvalid, "table 0, which does not exist", exports(command(), exp("t", 1, 0))},
		{CodeInvalid, "no kind of export", exports(command(), exp("t", 9, 0))},
		{CodeUnsupported, "exception handling", exports(command(), exp("t", 4, 0))},
		{CodeInvalid, "is not UTF-8", exports(command(), exp("\xff", 0, 0))},
	} {
		refused(t, c.b, c.code, c.says)
	}
	// Go's tasks in a program would trap at their first call; others start as they are.
	for language, fits := range map[string]bool{"Go": false, "C": true} {
		g := reactor()
		g.types, g.funcs, g.code = append(g.types, funcType(">")), append(g.funcs, byte(len(g.types))), append(g.code, fn(noLocals))
		g.custom = [][]byte{custom("producers", list(join(text8("language"), list(join(text8(language), text8("1"))))))}
		started := exp("_start", 0, uint64(len(g.funcs)-1))
		if b := exports(g, memory, run, describe, started); fits {
			accepted(t, b)
		} else {
			refused(t, b, CodeBadEntry, "-buildmode=c-shared", "windrow dev")
		}
		accepted(t, exports(g, memory, run, describe, started, exp("_initialize", 0, uint64(len(g.funcs)-1))))
	}
	info := accepted(t, exports(reactor(), memory, run, describe))
	if info.Kind != Reactor || info.Initialize {
		t.Errorf("%+v", info)
	}
}

func TestSections(t *testing.T) {
	types := section(secType, list(funcType(">")))
	for _, c := range []struct {
		code string
		says string
		b    []byte
	}{
		{CodeInvalid, "the type section comes twice", module(types, types)},
		{CodeInvalid, "out of order", module(section(secMemory, list([]byte{0, 1})), types)},
		{CodeInvalid, "section id 14", module(section(14))},
		{CodeUnsupported, "exception handling", module(section(secTag, list([]byte{0, 0})))},
		{CodeInvalid, "1 bytes are left over", module(section(secType, list(funcType(">")), []byte{0}))},
		{CodeTruncated, "type section of 9 bytes", module([]byte{secType, 9})},
		{CodeTruncated, "head of a section", module([]byte{secType})},
		{CodeTruncated, "head of a section", module([]byte{secType, 0x80})},
		{CodeInvalid, "longer than 32 bits", module([]byte{secType, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0})},
		{CodeInvalid, "2 functions are declared, but 0 have code", module(types, section(secFunction, list([]byte{0}, []byte{0})))},
		{CodeInvalid, "1 functions are declared, but 0 have code", module(types, section(secFunction, list([]byte{0})), section(secCode, list()))},
		{CodeInvalid, "begins no function type", module(section(secType, list([]byte{0x61, 0, 0})))},
		{CodeUnsupported, "garbage collection", module(section(secType, list([]byte{0x5f, 0, 0})))},
		{CodeUnsupported, "garbage collection", module(section(secType, list([]byte{0x60, 1, 0x6e, 0})))},
		{CodeUnsupported, "exception handling", module(section(secType, list([]byte{0x60, 1, 0x69, 0})))},
		{CodeUnsupported, "typed function references", module(section(secType, list([]byte{0x60, 1, 0x64, 0x70, 0})))},
		{CodeInvalid, "no value type", module(section(secType, list([]byte{0x60, 1, 0x01, 0})))},
		{CodeLimit, "1,001 parameters", module(section(secType, list(join([]byte{0x60}, sized(rep(1001, typeI32)), []byte{0}))))},
		{CodeLimit, "1,001 results", module(section(secType, list(join([]byte{0x60, 0}, sized(rep(1001, typeI32))))))},
		{CodeInvalid, "ends in the middle", module(section(secType, []byte{1, 0x60, 1, typeI32}))},
		{CodeInvalid, "type 3 does not exist", module(types, section(secFunction, list([]byte{3})))},
		{CodeUnsupported, "multiple memories", module(section(secMemory, list([]byte{0, 1}, []byte{0, 1})))},
		{CodeUnsupported, "threads", module(section(secMemory, list([]byte{3, 1, 1})))},
		{CodeUnsupported, "memory64", module(section(secMemory, list([]byte{4, 1})))},
		{CodeUnsupported, "custom page sizes", module(section(secMemory, list([]byte{8, 1, 0})))},
		{CodeInvalid, "no flag", module(section(secMemory, list([]byte{16, 1})))},
		{CodeInvalid, "above its maximum", module(section(secMemory, list([]byte{1, 2, 1})))},
		{CodeInvalid, "65,536 pages", module(section(secMemory, list(join([]byte{0}, u(65537)))))},
		{CodeLimit, "(512 MiB)", module(section(secMemory, list(join([]byte{0}, u(8193)))))},
		{CodeUnsupported, "typed function references", module(section(secTable, list([]byte{0x40, 0, 0x70, 0, 0})))},
		{CodeInvalid, "no reference type", module(section(secTable, list([]byte{typeI32, 0, 0})))},
		{CodeLimit, "101 tables", module(section(secTable, list(bytes.SplitAfter(rep(101, 0x70, 0, 0x01), []byte{1})[:101]...)))},
		{CodeInvalid, "neither constant nor mutable", module(section(secGlobal, list([]byte{typeI32, 4, 0x41, 0, 0x0b})))},
		{CodeUnsupported, "threads", module(section(secGlobal, list([]byte{typeI32, 2, 0x41, 0, 0x0b})))},
		{CodeInvalid, "reads a global", module(section(secGlobal, list([]byte{typeI32, 0, 0x23, 0, 0x0b})))},
		{CodeInvalid, "no constant", module(section(secGlobal, list([]byte{typeI32, 0, 0x45, 0x0b})))},
		{CodeInvalid, "more than one constant", module(section(secGlobal, list([]byte{typeI32, 0, 0x41, 0, 0x01, 0x0b})))},
		{CodeUnsupported, "extended constant", module(section(secGlobal, list([]byte{typeI32, 0, 0x41, 0, 0x41, 0, 0x6a, 0x0b})))},
		{CodeUnsupported, "garbage collection", module(section(secGlobal, list([]byte{0x70, 0, 0xfb, 0, 0x0b})))},
		{CodeInvalid, "SIMD instruction 14", module(section(secGlobal, list([]byte{typeV128, 0, 0xfd, 14, 0x0b})))},
		{CodeInvalid, "function 0 does not exist", module(section(secGlobal, list([]byte{0x70, 0, 0xd2, 0, 0x0b})))},
		{CodeInvalid, "longer than 32 bits", module(section(secGlobal, list([]byte{typeI32, 0, 0x41, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b})))},
		{CodeInvalid, "function 0 does not exist", module(section(secStart, []byte{0}))},
		{CodeInvalid, "the start function", func() []byte { g := reactor(); g.start = []byte{0}; return g.bytes() }()},
		{CodeInvalid, "there is no table", func() []byte { g := command(); g.elements = [][]byte{{0, 0x41, 0, 0x0b, 0}}; return g.bytes() }()},
		{CodeInvalid, "no form of an element segment", func() []byte { g := command(); g.elements = [][]byte{{8, 0, 0}}; return g.bytes() }()},
		{CodeInvalid, "beyond table 0's initial 1 elements", func() []byte {
			g := command()
			g.tables = [][]byte{{typeFuncref, 0, 1}}
			g.elements = [][]byte{{0, 0x41, 1, 0x0b, 1, 0}}
			return g.bytes()
		}()},
		{CodeInvalid, "there is no memory", func() []byte {
			g := command()
			g.memory = nil
			g.exports = nil
			g.data = [][]byte{{0, 0x41, 0, 0x0b, 0}}
			return g.bytes()
		}()},
		{CodeInvalid, "no form of a data segment", func() []byte { g := command(); g.data = [][]byte{{3, 0}}; return g.bytes() }()},
		{CodeInvalid, "beyond the memory's initial 1 pages", func() []byte {
			g := command()
			g.data = [][]byte{join([]byte{0, 0x41}, []byte{0x80, 0x80, 4}, []byte{0x0b, 1, 1})}
			return g.bytes()
		}()},
		{CodeUnsupported, "multiple memories", func() []byte { g := command(); g.data = [][]byte{{2, 1, 0x41, 0, 0x0b, 0}}; return g.bytes() }()},
		{CodeInvalid, "says 2 data segments, but there are 1", func() []byte { g := command(); g.count = []byte{2}; g.data = [][]byte{{1, 0}}; return g.bytes() }()},
		{CodeInvalid, "claims 9 bytes", func() []byte { g := command(); g.data = [][]byte{{1, 9}}; return g.bytes() }()},
		{CodeInvalid, "the name section comes twice", func() []byte { g := command(); g.custom = [][]byte{custom("name"), custom("name")}; return g.bytes() }()},
	} {
		refused(t, c.b, c.code, c.says)
	}
}

func TestCode(t *testing.T) {
	for _, c := range []struct {
		code string
		says string
		body []byte
	}{
		{CodeUnsupported, "tail calls", []byte{0x12, 0}},
		{CodeUnsupported, "tail calls", []byte{0x13, 0, 0}},
		{CodeUnsupported, "typed function references", []byte{0x14, 0}},
		{CodeUnsupported, "exception handling", []byte{0x1f, 0x40, 0}},
		{CodeUnsupported, "exception handling", []byte{0x06, 0x40}},
		{CodeUnsupported, "garbage collection", []byte{0xfb, 0}},
		{CodeUnsupported, "garbage collection", []byte{0xd3}},
		{CodeUnsupported, "stack switching", []byte{0xe0, 0}},
		{CodeUnsupported, "threads", []byte{0xfe, 0x10, 2, 0}},
		{CodeUnsupported, "relaxed SIMD", []byte{0xfd, 0x80, 0x02}},
		{CodeUnsupported, "wide arithmetic", []byte{0xfc, 19}},
		{CodeUnsupported, "multiple memories", []byte{0x41, 0, 0x28, 0x42, 1, 0}},
		{CodeUnsupported, "multiple memories", []byte{0x3f, 1}},
		{CodeUnsupported, "memory64", []byte{0x41, 0, 0x28, 2, 0x80, 0x80, 0x80, 0x80, 0x80, 1}},
		{CodeUnsupported, "typed function references", []byte{0xd0, 0x00}},
		{CodeUnsupported, "exception handling", []byte{0xd0, 0x69}},
		{CodeUnsupported, "typed function references", []byte{0x02, 0x63, 0x00}},
		{CodeInvalid, "no instruction", []byte{0xff}},
		{CodeInvalid, "no instruction", []byte{0xfc, 40}},
		{CodeInvalid, "no instruction", []byte{0xfd, 0x9a, 0x01}},
		{CodeInvalid, "no instruction", []byte{0xfd, 0xc0, 0x02}},
		{CodeInvalid, "local 0 does not exist", []byte{0x20, 0}},
		{CodeInvalid, "global 0 does not exist", []byte{0x23, 0}},
		{CodeInvalid, "function 9 does not exist", []byte{0x10, 9}},
		{CodeInvalid, "type 9 does not exist", []byte{0x11, 9, 0}},
		{CodeInvalid, "table 0 does not exist", []byte{0x11, 0, 0}},
		{CodeInvalid, "type 9 does not exist", []byte{0x02, 9}},
		{CodeInvalid, "table 0 does not exist", []byte{0x25, 0}},
		{CodeInvalid, "branch leaves 1 blocks, but only 1", []byte{0x0c, 1}},
		{CodeInvalid, "branch leaves 2 blocks", []byte{0x0e, 1, 0, 2}},
		{CodeInvalid, "an else without its if", []byte{0x05}},
		{CodeInvalid, "an else without its if", []byte{0x41, 0, 0x04, 0x40, 0x05, 0x05, 0x0b}},
		{CodeInvalid, "code follows the end", []byte{0x0b}},
		{CodeInvalid, "ends in the middle", []byte{0x02, 0x40}},
		{CodeInvalid, "ends in the middle", []byte{0x44, 0}},
		{CodeInvalid, "no type of a block", []byte{0x02, 0xff, 0x7e}},
		{CodeInvalid, "alignment of 2^5", []byte{0x41, 0, 0x28, 5, 0}},
		{CodeInvalid, "select gives 2", []byte{0x1c, 2, typeI32, typeI32}},
		{CodeInvalid, "no data count section", []byte{0xfc, 8, 0, 0}},
		{CodeInvalid, "element segment 0 does not exist", []byte{0xfc, 13, 0}},
		{CodeInvalid, "lane 16 does not exist", []byte{0xfd, 0x15, 16}},
		{CodeInvalid, "lane 32 does not exist", join([]byte{0xfd, 0x0d}, rep(15, 0), []byte{32})},
		{CodeInvalid, "no reference type", []byte{0xd0, typeI32}},
		{CodeInvalid, "longer than 64 bits", join([]byte{0x42}, rep(10, 0x80), []byte{0})},
		{CodeInvalid, "longer than 32 bits", join([]byte{0x41}, rep(5, 0x80), []byte{0})},
	} {
		g := command()
		g.code = [][]byte{fn(noLocals, c.body...)}
		e := refusal(t, g.bytes(), c.code, c.says, "code section", "function 0")
		if e.Function != 0 {
			t.Errorf("function %d for % x", e.Function, c.body)
		}
	}
	g := withCode(0x24, 0)
	g.globals = [][]byte{{typeI32, 0, 0x41, 0, 0x0b}}
	refused(t, g.bytes(), CodeInvalid, "global 0, which is constant")
	g = withCode(0x41, 0, 0x28, 2, 0, 0x1a)
	g.memory, g.exports = nil, g.exports[:1]
	refused(t, g.bytes(), CodeInvalid, "the module has none")
	g = command()
	g.code = [][]byte{{9, 0, 0x0b}}
	refused(t, g.bytes(), CodeInvalid, "the function claims 9 bytes")
	refused(t, withCode(rep(4<<20, 0x01)...).bytes(), CodeLimit, "4,194,306 bytes long", "Split it")
}

// TestInstructions accepts one of each form of instruction that core 2.0 has.
func TestInstructions(t *testing.T) {
	vector := join([]byte{0xfd, 12}, rep(16, 0))
	g := withCode(join(
		[]byte{0x41, 0x7f, 0x1a, 0x42, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x1a},
		[]byte{0x43, 0, 0, 0, 0, 0x1a, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x1a},
		[]byte{0x02, typeI32, 0x41, 0, 0x0b, 0x04, 0x40, 0x01, 0x05, 0x01, 0x0b},                  // block, if, else
		[]byte{0x41, 0, 0x02, 1, 0x0b, 0x1a},                                                      // block with a type index
		[]byte{0x03, 0x40, 0x41, 0, 0x0d, 0, 0x0b},                                                // loop, br_if
		[]byte{0x41, 0, 0x11, 0, 0x80, 0x00},                                                      // call_indirect, a long table index
		[]byte{0x41, 0, 0x41, 0, 0x41, 0, 0x1c, 1, typeI32, 0x1a},                                 // select
		[]byte{0xd0, 0x70, 0xd1, 0x1a, 0xd2, 0, 0x1a, 0x41, 0, 0x25, 0, 0x1a},                     // references
		[]byte{0x43, 0, 0, 0, 0, 0xfc, 0, 0x1a, 0x41, 0, 0xc0, 0x1a},                              // saturating, sign extension
		[]byte{0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 0, 0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0}, // memory.copy, fill
		[]byte{0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 8, 0, 0, 0xfc, 9, 0},                              // memory.init, data.drop
		[]byte{0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 12, 0, 0, 0xfc, 13, 0},                            // table.init, elem.drop
		[]byte{0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 14, 0, 0},                                         // table.copy
		[]byte{0xd0, 0x70, 0x41, 0, 0xfc, 15, 0, 0x1a, 0xfc, 16, 0, 0x1a},                         // table.grow, size
		[]byte{0x41, 0, 0xd0, 0x70, 0x41, 0, 0xfc, 17, 0, 0x3f, 0, 0x40, 0, 0x1a},                 // table.fill, memory.size, grow
		vector, []byte{0xfd, 0x15, 15, 0x1a}, vector, vector, join([]byte{0xfd, 13}, rep(16, 31), []byte{0x1a}),
		[]byte{0x41, 0}, vector, []byte{0xfd, 0x54, 0, 0, 15, 0x1a}, []byte{0x41, 0, 0xfd, 0x5c, 2, 0, 0x1a},
		[]byte{0x24, 0, 0x0e, 0, 0, 0x0f, 0x00})...)
	g.types = append(g.types, funcType("i>i"))
	g.tables = [][]byte{{typeFuncref, 1, 1, 9}}
	g.globals = [][]byte{{typeI32, 1, 0x41, 0, 0x0b}}
	g.elements = [][]byte{{1, 0, 1, 0}, {0, 0x41, 0, 0x0b, 1, 0}, {2, 0, 0x41, 0, 0x0b, 0, 1, 0}, {3, 0, 1, 0},
		{4, 0x41, 0, 0x0b, 1, 0xd2, 0, 0x0b}, {5, 0x70, 1, 0xd0, 0x70, 0x0b}, {6, 0, 0x41, 0, 0x0b, 0x70, 0}, {7, 0x70, 0}}
	g.count = []byte{1}
	g.data = [][]byte{{1, 1, 7}}
	info := accepted(t, g.bytes())
	if !info.Mutates.Tables || !info.Mutates.Segments || info.Mutates.WideGlobals || info.TableElements != 9 {
		t.Errorf("%+v", info)
	}
	if got := strings.Join(info.Features, " "); got != "bulk-memory multi-value nontrapping-fptoint reference-types sign-ext simd128" {
		t.Errorf("features: %s", got)
	}
}
