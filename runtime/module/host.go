package module

import "strings"

// foreign is what an import says about the host that a module was built for.
type foreign struct {
	code, advice string
}

// foreignHost recognises the imports of other hosts. An empty code means that
// the import is none of them.
func foreignHost(module, name string, kind byte) foreign {
	switch {
	case module == "go", module == "gojs":
		return foreign{CodeJavaScriptHost, "belongs to Go's JavaScript host: the module was built with GOOS=js (or TinyGo's -target=wasm). Build it with GOOS=wasip1 GOARCH=wasm go build (TinyGo: -target=wasip1)"}
	case module == "wbg", strings.HasPrefix(module, "__wbindgen"), strings.HasPrefix(module, "./") && strings.HasSuffix(module, ".js"):
		return foreign{CodeJavaScriptHost, "belongs to wasm-bindgen, which needs a JavaScript host. Build with cargo build --release --target wasm32-wasip1, and not with wasm-pack; a dependency that uses wasm-bindgen (often by a feature named js or wasm-bindgen) has to do without it"}
	case module == "teavm", module == "teavmMath", module == "teavmJso", module == "js_code", module == "dart2wasm", module == "dart:core":
		return foreign{CodeJavaScriptHost, "belongs to a compiler's own JavaScript runtime (TeaVM, Kotlin/Wasm, dart2wasm). Build for WASI preview 1 (wasm32-wasip1, for Kotlin: wasmWasi) with plain linear memory"}
	case module == "env" && kind == 0 && assemblyScript[name] != "":
		return foreign{CodeJavaScriptHost, "belongs to AssemblyScript's JavaScript host. Compile " + assemblyScript[name]}
	case module == "env" && kind == 0 && emscripten(name), module == "a" && len(name) <= 2:
		return foreign{CodeJavaScriptHost, "belongs to emscripten's JavaScript host. Build with wasi-sdk's clang --target=wasm32-wasip1, or with emcc -sSTANDALONE_WASM -sPURE_WASI"}
	case module == "env" && (name == "__linear_memory" || name == "__indirect_function_table" || name == "__stack_pointer"):
		return foreign{CodeUnknownImport, "stands in object files and shared libraries, which were not linked into a program yet. Link it: clang --target=wasm32-wasip1 -o task.wasm FILES, without -c, -r and -shared"}
	case module == "GOT.mem", module == "GOT.func", module == "env" && kind == 3 && strings.HasPrefix(name, "__"):
		return foreign{CodeUnknownImport, "belongs to a shared library that a dynamic linker would load. Link an executable or a reactor: without -shared and -fPIC (C reactor: -mexec-model=reactor; Rust: crate-type = [\"cdylib\"] for wasm32-wasip1)"}
	case module == "rb-js-abi-host":
		return foreign{CodeJavaScriptHost, "belongs to Ruby's JavaScript bridge. Take a ruby.wasm that was built without the js extension"}
	case module == "wasi_unstable":
		return foreign{CodeUnknownImport, "is of WASI's first draft. Build with a current toolchain, for wasm32-wasip1, which imports from " + wasiModule}
	case strings.HasPrefix(module, "wasi:"), strings.HasPrefix(module, "cm32p2|"):
		return foreign{CodeUnknownImport, "is of WASI preview 2. Build for wasm32-wasip1 (Rust: --target wasm32-wasip1; TinyGo: -target=wasip1; C: clang --target=wasm32-wasip1)"}
	case module == "wasi" && name == "thread-spawn":
		return foreign{CodeUnsupported, "starts a thread, and threads are not supported here. Build for wasm32-wasip1 and not wasm32-wasip1-threads"}
	}
	return foreign{}
}

const wasiShim = "with @assemblyscript/wasi-shim (asc FILE --config node_modules/@assemblyscript/wasi-shim/asconfig.json, the program at top level), "

// assemblyScript has the imports of AssemblyScript's standard library and how
// to compile without each.
var assemblyScript = map[string]string{
	"abort":       "with asc --use abort= (a failing assertion then traps), or " + wasiShim + "which reports by WASI",
	"trace":       "without calls of trace(), or " + wasiShim + "which prints by WASI",
	"seed":        wasiShim + "which takes random numbers from WASI",
	"console.log": wasiShim + "which prints by WASI",
	"Date.now":    wasiShim + "which takes the time from WASI",
}

func emscripten(name string) bool {
	for _, prefix := range []string{"emscripten_", "_emscripten_", "__syscall_", "_embind_", "_emval_", "invoke_", "__cxa_", "emscripten.", "_tzset_js", "_mmap_js", "_munmap_js", "_localtime_js", "_abort_js", "_setitimer_js"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	switch name {
	case "__assert_fail", "setTempRet0", "getTempRet0", "abortOnCannotGrowMemory", "segfault", "alignfault":
		return true
	}
	return false
}
