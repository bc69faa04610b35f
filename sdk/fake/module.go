package fake

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// version is one version of a module with its bytes.
type version struct {
	wire.Module
	wasm []byte
}

// header begins every Wasm module.
var header = []byte("\x00asm\x01\x00\x00\x00")

// addModule makes the module of a task that has a function.
func (s *Server) addModule(full string) {
	module, taskName, _ := strings.Cut(full, ".")
	key := name{"default", module}
	if len(s.modules[key]) == 0 {
		s.modules[key] = []*version{s.newVersion(key, 1, header)}
	}
	v := s.modules[key][0]
	if !slices.ContainsFunc(v.Tasks, func(t wire.ModuleTask) bool { return t.Name == taskName }) {
		v.Tasks = append(v.Tasks, wire.ModuleTask{Name: taskName})
	}
}

func (s *Server) newVersion(key name, n uint32, wasm []byte) *version {
	sum := sha256.Sum256(wasm)
	v := &version{wasm: wasm}
	v.Module = wire.Module{Name: key.name, Version: n, Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: int64(len(wasm)),
		Kind: "command", Tasks: []wire.ModuleTask{}, Workflows: []wire.ModuleWorkflow{}, CreatedAt: now()}
	for full := range s.funcs {
		if rest, ok := strings.CutPrefix(full, key.name+"."); ok {
			v.Tasks = append(v.Tasks, wire.ModuleTask{Name: rest})
		}
	}
	if len(v.Tasks) == 0 {
		v.Tasks = append(v.Tasks, wire.ModuleTask{Name: "main"})
	}
	slices.SortFunc(v.Tasks, func(a, b wire.ModuleTask) int { return strings.Compare(a.Name, b.Name) })
	return v
}

func (s *Server) putModule(r *http.Request) (int, any, error) {
	var in io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return 0, nil, refuse(400, wire.CodeBadRequest, "the body is no gzip")
		}
		in = z
	}
	wasm, err := io.ReadAll(in)
	if err != nil {
		return 0, nil, err
	}
	if !bytes.HasPrefix(wasm, header) {
		return 0, nil, refuse(422, wire.CodeInvalidModule, "these bytes are no Wasm module: it would begin with \\0asm; build for wasm32-wasip1")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := named(r)
	versions := s.modules[key]
	if n := len(versions); n > 0 && bytes.Equal(versions[n-1].wasm, wasm) {
		return http.StatusOK, &versions[n-1].Module, nil
	}
	n := uint32(1)
	if len(versions) > 0 {
		n = versions[len(versions)-1].Version + 1
	}
	v := s.newVersion(key, n, wasm)
	s.modules[key] = append(versions, v)
	s.change()
	return http.StatusCreated, &v.Module, nil
}

func (s *Server) listModules(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []wire.Module{}
	for key, versions := range s.modules {
		if key.namespace == namespace(r) {
			all = append(all, versions[len(versions)-1].Module)
		}
	}
	slices.SortFunc(all, func(a, b wire.Module) int { return strings.Compare(a.Name, b.Name) })
	return page(r, all)
}

// version finds what a request names, the newest where it names no version.
// The lock is held.
func (s *Server) version(r *http.Request) (*version, error) {
	versions := s.modules[named(r)]
	if len(versions) == 0 {
		return nil, refuse(404, wire.CodeModuleNotFound, fmt.Sprintf("there is no module %q in namespace %q", r.PathValue("name"), namespace(r)))
	}
	text := r.URL.Query().Get("version")
	if text == "" {
		return versions[len(versions)-1], nil
	}
	n, _ := strconv.ParseUint(text, 10, 32)
	for _, v := range versions {
		if v.Version == uint32(n) {
			return v, nil
		}
	}
	return nil, refuse(404, wire.CodeModuleNotFound, fmt.Sprintf("module %s has no version %s", r.PathValue("name"), text))
}

func (s *Server) getModule(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.version(r)
	if err != nil {
		return 0, nil, err
	}
	m := v.Module
	for _, other := range s.modules[named(r)] {
		m.Versions = append(m.Versions, other.Version)
	}
	return http.StatusOK, &m, nil
}

func (s *Server) deleteModule(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.version(r)
	if err != nil {
		return 0, nil, err
	}
	all := r.URL.Query().Get("version") == ""
	for _, t := range s.order {
		if t.namespace == namespace(r) && t.Module == v.Name && (all || t.Version == v.Version) && !wire.Final(t.State) {
			return 0, nil, refuse(409, wire.CodeModuleInUse, "task "+t.ID+" has not ended")
		}
	}
	left := slices.DeleteFunc(slices.Clone(s.modules[named(r)]), func(o *version) bool { return all || o == v })
	if len(left) == 0 {
		delete(s.modules, named(r))
	} else {
		s.modules[named(r)] = left
	}
	s.change()
	return http.StatusNoContent, nil, nil
}

func (s *Server) wasm(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	v, err := s.version(r)
	s.mu.Unlock()
	if err != nil {
		writeProblem(w, err)
		return
	}
	w.Header().Set("Content-Type", wire.TypeWasm)
	_, _ = w.Write(v.wasm) // a client that is gone
}
