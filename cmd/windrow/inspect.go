package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/windrow-dev/windrow/runtime/module"
)

// inspection is what module inspect tells, with the names that JSON has.
type inspection struct {
	Name         string          `json:"name"`
	Digest       string          `json:"digest"`
	Size         int             `json:"size"`
	Kind         module.Kind     `json:"kind"`
	Language     string          `json:"language,omitempty"`
	Toolchain    string          `json:"toolchain,omitempty"`
	Features     []string        `json:"features"`
	Imports      []inspectedName `json:"imports"`
	Exports      []inspectedName `json:"exports"`
	MemoryMin    uint64          `json:"memory_min"` // bytes
	MemoryMax    uint64          `json:"memory_max,omitempty"`
	Functions    int             `json:"functions"`
	CodeBytes    int             `json:"code_bytes"`
	DataSegments int             `json:"data_segments"`
	DataBytes    int             `json:"data_bytes"`
}

type inspectedName struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func moduleInspect(a *app) *cobra.Command {
	var version uint32
	cmd := &cobra.Command{
		Use:   "inspect FILE|NAME",
		Short: "Say what a module is made of, and whether it would be accepted",
		Long: `Read a module as a node does before it accepts it, and say what it is, what it
imports and exports, and what is wrong with it. A .wasm file needs no node; a
NAME is downloaded from one.`,
		Example:           "  windrow module inspect build/sums.wasm\n  windrow module inspect sums --version 1",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(moduleNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			wasm, err := a.moduleBytes(cmd, args[0], version)
			if err != nil {
				return err
			}
			info, err := module.Read(wasm, module.Limits{})
			if err != nil {
				return &rejected{err}
			}
			v := inspect(args[0], wasm, info)
			return a.show(v, v.fields)
		},
	}
	cmd.Flags().Uint32Var(&version, "version", 0, "version `N` of NAME (default the newest)")
	return cmd
}

// moduleBytes reads a file, or the module of that name on the server. What
// looks like a path is one.
func (a *app) moduleBytes(cmd *cobra.Command, what string, version uint32) ([]byte, error) {
	_, err := os.Stat(what)
	if err == nil || what == "-" || strings.HasSuffix(what, ".wasm") || strings.ContainsRune(what, os.PathSeparator) {
		r, closeFile, err := openModule(a, what)
		if err != nil {
			return nil, err
		}
		defer closeFile()
		b, err := io.ReadAll(r)
		if err != nil {
			return nil, &usageError{err}
		}
		return b, nil
	}
	c, err := a.connect()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = c.DownloadModule(cmd.Context(), what, version, &b)
	return b.Bytes(), err
}

// rejected is a local module that a node would refuse.
type rejected struct{ err error }

func (e *rejected) Error() string { return e.err.Error() }
func (e *rejected) Unwrap() error { return e.err }

// lines tells what is wrong, and where.
func (e *rejected) lines() (title string, next []string) {
	var m *module.Error
	if !errors.As(e.err, &m) {
		return e.err.Error(), nil
	}
	place := fmt.Sprintf("at byte %d", m.Offset)
	if m.Section != "" {
		place += " in the " + m.Section + " section"
	}
	if m.Function >= 0 {
		place += fmt.Sprintf(", function %d %s", m.Function, m.FunctionName)
	}
	return "this module would be refused (" + m.Code + ")", []string{m.Message, strings.TrimSpace(place)}
}

func inspect(name string, wasm []byte, info *module.Info) *inspection {
	const page = 64 << 10
	v := &inspection{
		Name: name, Digest: module.Digest(wasm), Size: info.Size, Kind: info.Kind,
		Language: info.Language, Toolchain: info.Toolchain, Features: append([]string{}, info.Features...),
		Imports: []inspectedName{}, Exports: []inspectedName{},
		MemoryMin: uint64(info.MemoryMin) * page, Functions: info.Functions,
		CodeBytes: info.CodeBytes, DataSegments: info.DataSegments, DataBytes: info.DataBytes,
	}
	if info.MemoryBounded {
		v.MemoryMax = uint64(info.MemoryMax) * page
	}
	for _, i := range info.Imports {
		v.Imports = append(v.Imports, inspectedName{i.Module + "." + i.Name, i.Type})
	}
	for _, e := range info.Exports {
		kind := e.Type
		if kind == "" {
			kind = e.Kind
		}
		v.Exports = append(v.Exports, inspectedName{e.Name, kind})
	}
	return v
}

func (v *inspection) fields(f *fields) {
	f.add("Name", v.Name)
	f.add("Kind", string(v.Kind))
	f.add("Digest", v.Digest)
	f.add("Size", size(int64(v.Size)))
	f.add("Made with", v.Toolchain)
	f.add("Features", strings.Join(v.Features, ", "))
	memory := "starts with " + size(int64(v.MemoryMin))
	if v.MemoryMax > 0 {
		memory += ", grows to " + size(int64(v.MemoryMax)) + " at most"
	}
	f.add("Memory", memory)
	f.add("Code", fmt.Sprintf("%d functions, %s", v.Functions, size(int64(v.CodeBytes))))
	f.add("Data", fmt.Sprintf("%d segments, %s", v.DataSegments, size(int64(v.DataBytes))))
	f.add("Imports", nameLines(v.Imports))
	f.add("Exports", nameLines(v.Exports))
}

func nameLines(list []inspectedName) string {
	lines := make([]string, len(list))
	for i, n := range list {
		lines[i] = n.Name + "  " + n.Type
	}
	return strings.Join(lines, "\n")
}
