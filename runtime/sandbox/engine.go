package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	wasi "github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// engine is wazero set up as every child uses it, with one module compiled.
// The settings that go into wazero's cache key must be the same where a module
// is compiled and where it runs, so there is one place for them.
type engine struct {
	rt    wazero.Runtime
	cache wazero.CompilationCache
	mod   wazero.CompiledModule
}

// newEngine compiles wasm, or loads it from the cache directory when it has
// been compiled there. The guest's deadline is the parent's SIGKILL: a check
// in every loop would cost up to 19 times the guest's own time.
func newEngine(ctx context.Context, wasm []byte, cacheDir string) (*engine, error) {
	cfg := wazero.NewRuntimeConfigCompiler().
		WithCoreFeatures(api.CoreFeaturesV2).
		WithCloseOnContextDone(false).
		WithDebugInfoEnabled(false)
	e := &engine{}
	if cacheDir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(cacheDir)
		if err != nil {
			return nil, fmt.Errorf("open the compiled code: %w", err)
		}
		e.cache = cache
		cfg = cfg.WithCompilationCache(cache)
	}
	e.rt = wazero.NewRuntimeWithConfig(ctx, cfg)
	mod, err := e.rt.CompileModule(ctx, wasm)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	e.mod = mod
	return e, nil
}

// hostModule gives the guest its imports from windrow.
const hostModule = "windrow"

// link offers the imports: WASI with a poll_oneoff of our own, and windrow.
func (e *engine) link(ctx context.Context, r *runner) error {
	b := e.rt.NewHostModuleBuilder(wasi.ModuleName)
	wasi.NewFunctionExporter().ExportFunctions(b)
	b.NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(r.pollOneoff), repeat(api.ValueTypeI32, 4), repeat(api.ValueTypeI32, 1)).
		Export("poll_oneoff")
	if _, err := b.Instantiate(ctx); err != nil {
		return fmt.Errorf("offer WASI: %w", err)
	}
	w := e.rt.NewHostModuleBuilder(hostModule)
	w.NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(r.hostCall), repeat(api.ValueTypeI32, 3), repeat(api.ValueTypeI64, 1)).
		Export("call")
	w.NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(r.hostRead), repeat(api.ValueTypeI32, 2), repeat(api.ValueTypeI32, 1)).
		Export("read")
	if _, err := w.Instantiate(ctx); err != nil {
		return fmt.Errorf("offer windrow: %w", err)
	}
	return e.checkImports()
}

func repeat(t api.ValueType, n int) []api.ValueType {
	ts := make([]api.ValueType, n)
	for i := range ts {
		ts[i] = t
	}
	return ts
}

// checkImports says which import the module asks for and nobody gives, before
// any attempt fails over it.
func (e *engine) checkImports() error {
	if len(e.mod.ImportedMemories()) > 0 {
		return errors.New("the module imports a memory; it must define and export its own")
	}
	for _, f := range e.mod.ImportedFunctions() {
		from, name, _ := f.Import()
		host := e.rt.Module(from)
		if host == nil {
			return fmt.Errorf("the module imports %s.%s; only %s and %s are offered (build for wasm32-wasip1)", from, name, wasi.ModuleName, hostModule)
		}
		have, ok := host.ExportedFunctionDefinitions()[name]
		if !ok {
			return fmt.Errorf("the module imports %s.%s, which does not exist", from, name)
		}
		if string(have.ParamTypes()) != string(f.ParamTypes()) || string(have.ResultTypes()) != string(f.ResultTypes()) {
			return fmt.Errorf("the module imports %s.%s with another signature", from, name)
		}
	}
	return nil
}

// base is what every instance is configured with. What differs between
// attempts reaches it through the runner, so that only the environment needs a
// new configuration for each: one more is a copy of this one with its maps.
func (e *engine) base(r *runner) wazero.ModuleConfig {
	return wazero.NewModuleConfig().
		WithName("").
		WithStartFunctions().
		WithStdin(&r.stdin).
		WithStdout(&r.stdout).
		WithStderr(&r.log).
		// wazero's default source seeds a generator in every instance, which
		// costs half of a child's time.
		WithRandSource(rand.Reader).
		WithSysWalltime().
		WithNanotime(frame.Now, 1).
		WithNanosleep(r.sleep).
		WithOsyield(func() {})
}

// readable makes the engine's words into something for the person who pushed
// the module.
func readable(err error) string {
	msg := err.Error()
	if i := strings.Index(msg, "\nwasm stack trace:"); i >= 0 {
		msg = msg[:i]
	}
	for _, prefix := range []string{"compile: ", "wasm error: ", "section "} {
		msg = strings.TrimPrefix(msg, prefix)
	}
	return msg
}
