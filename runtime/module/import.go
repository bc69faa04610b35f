package module

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	wasiModule    = "wasi_snapshot_preview1"
	windrowModule = "windrow"
)

// hostFunctions are all functions that a guest may import, with their types:
// one letter a parameter (i for i32, I for i64), then > and the results.
var hostFunctions = map[string]map[string]string{
	windrowModule: {
		"call": "iii>I",
		"read": "ii>i",
	},
	wasiModule: {
		"args_get":                "ii>i",
		"args_sizes_get":          "ii>i",
		"clock_res_get":           "ii>i",
		"clock_time_get":          "iIi>i",
		"environ_get":             "ii>i",
		"environ_sizes_get":       "ii>i",
		"fd_advise":               "iIIi>i",
		"fd_allocate":             "iII>i",
		"fd_close":                "i>i",
		"fd_datasync":             "i>i",
		"fd_fdstat_get":           "ii>i",
		"fd_fdstat_set_flags":     "ii>i",
		"fd_fdstat_set_rights":    "iII>i",
		"fd_filestat_get":         "ii>i",
		"fd_filestat_set_size":    "iI>i",
		"fd_filestat_set_times":   "iIIi>i",
		"fd_pread":                "iiiIi>i",
		"fd_prestat_dir_name":     "iii>i",
		"fd_prestat_get":          "ii>i",
		"fd_pwrite":               "iiiIi>i",
		"fd_read":                 "iiii>i",
		"fd_readdir":              "iiiIi>i",
		"fd_renumber":             "ii>i",
		"fd_seek":                 "iIii>i",
		"fd_sync":                 "i>i",
		"fd_tell":                 "ii>i",
		"fd_write":                "iiii>i",
		"path_create_directory":   "iii>i",
		"path_filestat_get":       "iiiii>i",
		"path_filestat_set_times": "iiiiIIi>i",
		"path_link":               "iiiiiii>i",
		"path_open":               "iiiiiIIii>i",
		"path_readlink":           "iiiiii>i",
		"path_remove_directory":   "iii>i",
		"path_rename":             "iiiiii>i",
		"path_symlink":            "iiiii>i",
		"path_unlink_file":        "iii>i",
		"poll_oneoff":             "iiii>i",
		"proc_exit":               "i>",
		"proc_raise":              "i>i",
		"random_get":              "ii>i",
		"sched_yield":             ">i",
		"sock_accept":             "iii>i",
		"sock_recv":               "iiiiii>i",
		"sock_send":               "iiiii>i",
		"sock_shutdown":           "ii>i",
	},
}

// hostType turns the short form of hostFunctions into a signature.
func hostType(short string) signature {
	params, results, _ := strings.Cut(short, ">")
	kinds := func(s string) []byte {
		v := make([]byte, len(s))
		for i := range s {
			v[i] = typeI32
			if s[i] == 'I' {
				v[i] = typeI64
			}
		}
		return v
	}
	return signature{kinds(params), kinds(results)}
}

func (r *reader) importSection() {
	c := &r.c
	n := c.count("imports", math.MaxInt32, 4)
	for i := 0; i < n && c.err == nil; i++ {
		if i == r.lim.Imports && r.stray == nil {
			c.fail(CodeLimit, c.pos, "%s imports; at most %s are allowed. The host has fewer functions than that: import each once", thousands(n), thousands(r.lim.Imports))
			return
		}
		r.oneImport()
	}
	if c.err == nil || c.err.Code == CodeInvalid {
		if r.stray != nil {
			c.err = r.stray
		}
	}
	r.imported = len(r.funcs)
}

func (r *reader) oneImport() {
	c := &r.c
	at := c.pos
	module := c.name("an import's module", r.lim.NameBytes)
	name := c.name("an import's name", r.lim.NameBytes)
	kindAt := c.pos
	kind := c.u8()
	var t uint32
	switch {
	case c.err != nil:
		return
	case kind == 0:
		t = r.typeIndex()
	case kind == 1:
		c.u8()
		r.bounds("table")
	case kind == 2:
		r.bounds("memory")
	case kind == 3:
		c.skip(2)
	case kind == 4:
		c.unsupported(at, exceptions)
	default:
		c.invalid(kindAt, "0x%02x is no kind of import", kind)
	}
	switch {
	case c.err != nil && c.err.Code == CodeInvalid:
	case kind == 0 && c.err == nil && hostFunctions[string(module)][string(name)] != "":
		r.importFunction(at, string(module), string(name), t)
	default:
		r.refuseImport(at, string(module), string(name), kind)
	}
}

func (r *reader) importFunction(at int, module, name string, t uint32) {
	got, want := r.types[t], hostType(hostFunctions[module][name])
	if !bytes.Equal(got.params, want.params) || !bytes.Equal(got.results, want.results) {
		r.c.fail(CodeImportType, at, "the import %s.%s has the type %s; the host's is %s. Correct its declaration", module, name, got, want)
		return
	}
	r.funcs = append(r.funcs, t)
	r.info.Imports = append(r.info.Imports, Import{Module: module, Name: name, Type: got.String()})
}

// refuseImport says why an import cannot be answered. One that gives away the
// host it was built for is refused at once. One that does not is kept as the
// stray, for a later import may tell more.
func (r *reader) refuseImport(at int, module, name string, kind byte) {
	c := &r.c
	shown := quote(module) + "." + quote(name)
	if host := foreignHost(module, name, kind); host.code != "" {
		c.err = nil
		c.fail(host.code, at, "the import %s %s", shown, host.advice)
		return
	}
	if c.err != nil || r.stray != nil {
		return
	}
	stray := cursor{section: c.section, function: -1}
	stray.fail(CodeUnknownImport, at, "%s", unknownImport(module, name, kind))
	r.stray = stray.err
}

// unknownImport points at the nearest import that exists.
func unknownImport(module, name string, kind byte) string {
	shown := quote(module) + "." + quote(name)
	if kind != 0 {
		return fmt.Sprintf("the module imports the %s %s, but a guest here brings its own memory, tables and globals: export the memory as \"memory\" and import functions only (LLVM: without -Wl,--import-memory and --import-table; AssemblyScript: without --importMemory)", importKinds[kind], shown)
	}
	if functions, ok := hostFunctions[module]; ok {
		if near := nearest(name, functions); near != "" {
			return fmt.Sprintf("there is no host function %s; the nearest is %s.%s", shown, module, near)
		}
		return fmt.Sprintf("there is no host function %s; %s has %s. Take the import out, or see whether a newer windrowd has it", shown, module, strings.Join(sortedNames(functions), ", "))
	}
	if near := nearest(module, hostFunctions); near != "" {
		return fmt.Sprintf("there is no host module %s (it is asked for %s); the nearest is %q", quote(module), quote(name), near)
	}
	if module == "env" { // where LLVM puts what it is allowed to leave undefined
		return fmt.Sprintf("nothing here answers the import %s; a guest may import from %q and %q only. Define the function %s, or link the library that does (C, C++, Rust: \"env\" holds what is declared and nowhere defined; link without --allow-undefined to see it at once. Go: take out its //go:wasmimport)", shown, wasiModule, windrowModule, quote(name))
	}
	return fmt.Sprintf("nothing here answers the import %s; a guest may import from %q and %q only. Build for wasm32-wasip1, and without the library or //go:wasmimport that asks for %s", shown, wasiModule, windrowModule, quote(module))
}

var importKinds = [...]string{"function", "table", "memory", "global", "tag"}

// quote shows a name from a module, shortened if need be.
func quote(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:80], "") + "…"
	}
	return strings.ReplaceAll(s, "\n", " ")
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// nearest gives the key that takes the fewest edits to reach from s, or ""
// where none is near.
func nearest[V any](s string, m map[string]V) string {
	if len(s) > 64 {
		return ""
	}
	best, bestAt := "", len(s)/3+2
	for _, name := range sortedNames(m) {
		if d := edits(s, name); d < bestAt {
			best, bestAt = name, d
		}
	}
	return best
}

// edits is the Levenshtein distance of two short names.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			same := diagonal
			if a[i] != b[j] {
				same++
			}
			row[j+1] = min(same, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
