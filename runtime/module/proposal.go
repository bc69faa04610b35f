package module

// proposal is an extension of Wasm beyond core 2.0, and how to build without
// it.
type proposal struct {
	name, without string
}

var (
	threads            = proposal{"threads and atomics (shared memory)", "build for wasm32-wasip1 and not wasm32-wasip1-threads, without -pthread and -matomics (Rust: -C target-feature=-atomics)"}
	exceptions         = proposal{"exception handling", "build without -fwasm-exceptions (C++: -fno-exceptions; Rust: panic = \"abort\"; emscripten: without -sSUPPORT_LONGJMP=wasm)"}
	tailCalls          = proposal{"tail calls", "build without -mtail-call (Rust: -C target-feature=-tail-call; binaryen: --disable-tail-call)"}
	functionReferences = proposal{"typed function references", "build for core 2.0 (binaryen: wasm-opt --disable-gc; wasm-tools: without function-references)"}
	garbageCollection  = proposal{"garbage collection", "this compiler needs a GC engine, as Kotlin/Wasm, Dart and Java's do; choose one that targets plain wasm32-wasip1 (binaryen: wasm-opt --disable-gc)"}
	memory64           = proposal{"memory64", "build for wasm32 and not wasm64 (without -m64 and -sMEMORY64)"}
	multiMemory        = proposal{"multiple memories", "link into one memory (binaryen: wasm-opt --multi-memory-lowering)"}
	customPages        = proposal{"custom page sizes", "build with the usual pages of 64 KiB (LLVM: without -Wl,--page-size)"}
	relaxedSIMD        = proposal{"relaxed SIMD", "build without -mrelaxed-simd (Rust: -C target-feature=-relaxed-simd; plain -msimd128 is fine)"}
	wideArithmetic     = proposal{"wide arithmetic", "build without -mwide-arithmetic (Rust: -C target-feature=-wide-arithmetic)"}
	extendedConstants  = proposal{"extended constant expressions", "build without -mextended-const and without -fPIC (Rust: -C target-feature=-extended-const)"}
	stackSwitching     = proposal{"stack switching", "build without it; the engine has no continuations"}
)

// unsupported refuses a module for its use of a proposal.
func (c *cursor) unsupported(at int, p proposal) {
	c.fail(CodeUnsupported, at, "the module uses %s, which goes beyond Wasm core 2.0 and is not supported here: %s", p.name, p.without)
}

// features are the parts of core 2.0 beyond 1.0 that a module uses.
type features struct {
	simd, references, multiValue, bulkMemory, signExtension, saturating bool
}

func (f features) names() []string {
	var names []string
	for _, x := range []struct {
		used bool
		name string
	}{
		{f.bulkMemory, "bulk-memory"},
		{f.multiValue, "multi-value"},
		{f.saturating, "nontrapping-fptoint"},
		{f.references, "reference-types"},
		{f.signExtension, "sign-ext"},
		{f.simd, "simd128"},
	} {
		if x.used {
			names = append(names, x.name)
		}
	}
	return names
}
