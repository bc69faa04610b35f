package wire

import "encoding/json"

// Module is one version of an uploaded module.
type Module struct {
	Name      string           `json:"name"`
	Version   uint32           `json:"version"`
	Digest    string           `json:"digest"` // "sha256:…" of the Wasm bytes
	Size      int64            `json:"size"`
	Kind      string           `json:"kind"` // "command" or "reactor"
	Tasks     []ModuleTask     `json:"tasks"`
	Workflows []ModuleWorkflow `json:"workflows"`
	CreatedAt Time             `json:"created_at,omitzero"`
	// Language and Toolchain are what the module says of its making.
	Language  string   `json:"language,omitempty"`
	Toolchain string   `json:"toolchain,omitempty"`
	Features  []string `json:"features,omitempty"` // proposals beyond Wasm 1.0 that it uses
	Imports   []string `json:"imports,omitempty"`  // "wasi_snapshot_preview1.fd_write"
	MemoryMin Size     `json:"memory_min,omitempty"`
	MemoryMax Size     `json:"memory_max,omitempty"`
	// Live counts unfinished tasks that need this version.
	Live uint32 `json:"live,omitempty"`
	// Versions are those that exist, ascending; GET of one module tells them.
	Versions []uint32 `json:"versions,omitempty"`
}

// ModuleTask is a task that a module offers.
type ModuleTask struct {
	Name         string          `json:"name"`
	Description  string          `json:"description,omitempty"` // the module's own words
	Params       json.RawMessage `json:"params,omitempty"`      // JSON Schema
	Defaults     json.RawMessage `json:"defaults,omitempty"`
	Capabilities []string        `json:"capabilities,omitempty"`
}

// ModuleWorkflow is a workflow that a module brings.
type ModuleWorkflow struct {
	Name string `json:"name"`
}
