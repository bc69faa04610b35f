package rooms

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// forbiddenImports reach a clock, chance, the disk, the network or the
// machine that the process runs on.
var forbiddenImports = map[string]string{
	"math/rand":        "chance",
	"math/rand/v2":     "chance",
	"crypto/rand":      "chance",
	"hash/maphash":     "its seed differs in every process",
	"os":               "the machine it runs on",
	"os/exec":          "the machine it runs on",
	"io/ioutil":        "disk",
	"path/filepath":    "the machine it runs on",
	"net":              "network",
	"net/http":         "network",
	"runtime":          "the machine it runs on",
	"syscall":          "the machine it runs on",
	"unsafe":           "addresses differ in every process",
	"log":              "global state",
	"log/slog":         "Apply is silent",
	"testing/synctest": "tests only",
}

// forbiddenFuncs are those of package time and maps that depend on more than
// their arguments.
var forbiddenFuncs = map[string]string{
	"time.Now": "a clock", "time.Since": "a clock", "time.Until": "a clock",
	"time.Sleep": "a clock", "time.After": "a clock", "time.AfterFunc": "a clock",
	"time.Tick": "a clock", "time.NewTimer": "a clock", "time.NewTicker": "a clock",
	"time.Local": "a time zone", "time.LoadLocation": "a time zone", "time.Location": "a time zone",
}

// unordered gives a map's items in an order of its own.
var unordered = []string{"maps.Keys", "maps.Values", "maps.All"}

// orderMark is what a comment begins with that says why the order of a map does
// not matter at this place. It stands on the line or on the one above.
const orderMark = "// order: "

// TestDeterministic holds that Apply does the same on every node.
func TestDeterministic(t *testing.T) {
	top := root(t)
	var dirs, packages []string
	for dir := range readImports(t, top) {
		if fitsAny(deterministic, dir) {
			dirs = append(dirs, dir)
			packages = append(packages, modulePath+"/"+dir)
		}
	}
	slices.Sort(dirs)
	if len(dirs) == 0 {
		t.Fatal("no package of the state machine was found")
	}
	exports := exportData(t, top, packages)
	for _, dir := range dirs {
		t.Run(dir, func(t *testing.T) {
			fset := token.NewFileSet()
			var files []*ast.File
			for _, name := range sources(t, filepath.Join(top, dir)) {
				f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
				if err != nil {
					t.Fatalf("parse: %v", err)
				}
				files = append(files, f)
			}
			faults, err := inspect(fset, files, modulePath+"/"+dir, exports)
			if err != nil {
				t.Fatalf("%s does not compile: %v", dir, err)
			}
			for _, fault := range faults {
				t.Error(strings.TrimPrefix(fault, top+"/"))
			}
		})
	}
}

// sources are a package's files, tests left out.
func sources(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
}

// exportData has the go command compile what the packages import, and gives the
// files that describe it by import path.
func exportData(t *testing.T, dir string, packages []string) map[string]string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-e", "-export", "-deps", "-json=ImportPath,Export"}, packages...)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	exports := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p struct{ ImportPath, Export string }
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
	}
	return exports
}

// inspect finds what could make two nodes differ.
func inspect(fset *token.FileSet, files []*ast.File, path string, exports map[string]string) ([]string, error) {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(imp string) (io.ReadCloser, error) {
		if exports[imp] == "" {
			return nil, fmt.Errorf("no export data for %s", imp)
		}
		return os.Open(exports[imp])
	})}
	if _, err := conf.Check(path, fset, files, info); err != nil {
		return nil, err
	}
	in := &inspector{fset: fset, info: info, excused: map[ast.Node]bool{}}
	for _, f := range files {
		in.marks = orderMarks(fset, f)
		for _, spec := range f.Imports {
			imp := strings.Trim(spec.Path.Value, `"`)
			if why, bad := forbiddenImports[imp]; bad {
				in.fault(spec, "imports "+imp+" ("+why+")")
			}
		}
		ast.Inspect(f, in.visit)
	}
	return slices.Compact(in.faults), nil
}

type inspector struct {
	fset    *token.FileSet
	info    *types.Info
	marks   map[int]bool // lines with an order comment, in this file
	excused map[ast.Node]bool
	faults  []string
}

func (in *inspector) fault(n ast.Node, what string) {
	at := in.fset.Position(n.Pos())
	in.faults = append(in.faults, fmt.Sprintf("%s:%d: %s", at.Filename, at.Line, what))
}

func (in *inspector) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		in.fault(n, "starts a goroutine")
	case *ast.SelectStmt:
		in.fault(n, "selects: of two ready channels either may win")
	case *ast.RangeStmt:
		if tv, ok := in.info.Types[n.X]; ok && isMap(tv.Type) && !in.marked(n) {
			in.fault(n, `ranges over a map: sort its keys, or say why any order will do ("`+orderMark+`…")`)
		}
	case *ast.CallExpr:
		in.call(n)
	case *ast.SelectorExpr:
		in.selector(n)
	case ast.Expr:
		if tv, ok := in.info.Types[n]; ok && isFloat(tv.Type) {
			in.fault(n, "uses "+tv.Type.String())
		}
	}
	return true
}

// call excuses maps.Keys and its like where the call around it sorts.
func (in *inspector) call(n *ast.CallExpr) {
	if name := in.qualified(n.Fun); strings.HasPrefix(name, "slices.Sorted") && len(n.Args) > 0 {
		if inner, ok := n.Args[0].(*ast.CallExpr); ok {
			in.excused[inner.Fun] = true
		}
	}
	if tv, ok := in.info.Types[n]; ok && isFloat(tv.Type) {
		in.fault(n, "uses "+tv.Type.String())
	}
}

func (in *inspector) selector(n *ast.SelectorExpr) {
	name := in.qualified(n)
	if why, bad := forbiddenFuncs[name]; bad {
		in.fault(n, "uses "+name+" ("+why+")")
	}
	if slices.Contains(unordered, name) && !in.excused[n] && !in.marked(n) {
		in.fault(n, name+" comes in any order: sort it, or say why any order will do (\""+orderMark+"…\")")
	}
	if tv, ok := in.info.Types[n]; ok && isFloat(tv.Type) {
		in.fault(n, "uses "+tv.Type.String())
	}
}

// qualified is a selector such as time.Now by package and name, else nothing.
func (in *inspector) qualified(e ast.Expr) string {
	if index, ok := e.(*ast.IndexExpr); ok {
		e = index.X // a generic function with its types named
	}
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	obj := in.info.Uses[sel.Sel]
	if obj == nil || obj.Pkg() == nil || obj.Parent() != obj.Pkg().Scope() {
		return ""
	}
	return obj.Pkg().Path() + "." + obj.Name()
}

func (in *inspector) marked(n ast.Node) bool {
	line := in.fset.Position(n.Pos()).Line
	return in.marks[line] || in.marks[line-1]
}

func orderMarks(fset *token.FileSet, f *ast.File) map[int]bool {
	lines := map[int]bool{}
	for _, group := range f.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, orderMark) && len(c.Text) > len(orderMark) {
				// The reason may go on over several lines of comment.
				lines[fset.Position(c.Pos()).Line] = true
				lines[fset.Position(group.End()).Line] = true
			}
		}
	}
	return lines
}

func isMap(t types.Type) bool {
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// isFloat leaves untyped constants be: the compiler works them out exactly.
func isFloat(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&(types.IsFloat|types.IsComplex) != 0 && b.Info()&types.IsUntyped == 0
}
