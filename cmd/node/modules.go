package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/runtime/host"
	"github.com/windrow-dev/windrow/runtime/module"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// commandTask is the one task of a command module.
const commandTask = "main"

// Accept implements api.Modules: bytes, our own reading of them, a compile
// child's, and of a reactor its own word, in this order, so that the engine
// sees nothing that could choke it.
func (n *node) Accept(ctx context.Context, _, _ string, body io.Reader) (wire.Module, error) {
	wasm, err := io.ReadAll(body)
	if err != nil {
		return wire.Module{}, err
	}
	limits := module.Defaults()
	limits.ModuleBytes = int(n.cfg.MaxModule)
	info, err := module.Read(wasm, limits)
	if err != nil {
		return wire.Module{}, invalidModule(err)
	}
	digest, size, err := n.blobs.Put(ctx, bytes.NewReader(wasm), "")
	if err != nil {
		return wire.Module{}, fmt.Errorf("keep the module: %w", err)
	}
	path, err := n.blobs.File(ctx, digest)
	if err != nil {
		return wire.Module{}, fmt.Errorf("keep the module: %w", err)
	}
	m := host.Module{Digest: digest, Path: path, Kind: string(info.Kind)}
	if err := n.host.Compile(ctx, m); err != nil {
		return wire.Module{}, invalidModule(err)
	}
	out := describeInfo(info, digest, size)
	if info.Kind == module.Reactor {
		if err := n.describe(ctx, m, &out); err != nil {
			return wire.Module{}, invalidModule(err)
		}
		return out, nil
	}
	out.Tasks = []wire.ModuleTask{{Name: commandTask}}
	return out, nil
}

func invalidModule(err error) error {
	return &api.Error{Code: wire.CodeInvalidModule, Detail: err.Error()}
}

func describeInfo(info *module.Info, digest string, size int64) wire.Module {
	const page = 64 << 10
	out := wire.Module{
		Digest: digest, Size: size, Kind: string(info.Kind), Workflows: []wire.ModuleWorkflow{},
		Language: info.Language, Toolchain: info.Toolchain, Features: info.Features,
		MemoryMin: wire.Size(info.MemoryMin) * page,
	}
	if info.MemoryBounded {
		out.MemoryMax = wire.Size(info.MemoryMax) * page
	}
	for _, i := range info.Imports {
		out.Imports = append(out.Imports, i.Module+"."+i.Name)
	}
	return out
}

// taskName is a task's name within its module, as the contract has it. It is
// compiled in every child too, where counting to 254 would take half a
// millisecond; so longestName is apart.
var taskName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

const longestName = 255

// manifest is what a reactor's windrow_describe gives.
type manifest struct {
	ABI   int               `json:"abi"`
	Tasks []wire.ModuleTask `json:"tasks"`
}

// describe asks a reactor, in a sandbox, what it offers.
func (n *node) describe(ctx context.Context, m host.Module, out *wire.Module) error {
	raw, err := n.host.Describe(ctx, m)
	if err != nil {
		return fmt.Errorf("windrow_describe: %w", err)
	}
	var man manifest
	if err := json.Unmarshal(raw, &man); err != nil {
		return fmt.Errorf("windrow_describe gave no manifest: %w", err)
	}
	if man.ABI != 1 {
		return fmt.Errorf("windrow_describe says abi %d; this node speaks abi 1", man.ABI)
	}
	if len(man.Tasks) == 0 {
		return errors.New("windrow_describe names no task")
	}
	seen := map[string]bool{}
	for _, t := range man.Tasks {
		if len(t.Name) > longestName || !taskName.MatchString(t.Name) {
			return fmt.Errorf("task name %q: say [A-Za-z_][A-Za-z0-9_.-]*", t.Name)
		}
		if seen[t.Name] {
			return fmt.Errorf("task %q stands twice in the manifest", t.Name)
		}
		seen[t.Name] = true
	}
	out.Tasks = man.Tasks
	return nil
}
