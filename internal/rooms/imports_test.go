package rooms

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/windrow-dev/windrow"

// TestImports reads the imports of every package, for all platforms, tests left
// out, and compares them with the plan.
func TestImports(t *testing.T) {
	for dir, imports := range readImports(t, root(t)) {
		for _, fault := range check(plan, libraries, dir, imports) {
			t.Error(fault)
		}
	}
}

// check says what is wrong with one package's imports.
func check(plan []room, libraries []library, dir string, imports []string) []string {
	if dir == "internal/keep" {
		return nil // not code: it holds lines of go.mod in place
	}
	r, ok := roomOf(plan, dir)
	if !ok {
		return []string{dir + " has no room: give it a line in internal/rooms/table_test.go, and say why it is there"}
	}
	var faults []string
	for _, imp := range imports {
		inside, isOurs := strings.CutPrefix(imp, modulePath)
		inside = strings.TrimPrefix(inside, "/")
		switch {
		case isOurs && inside != dir && !mayImport(plan, r, inside):
			faults = append(faults, dir+" must not import "+inside+": "+r.why)
		case isOurs || isStandard(imp):
		case r.pure:
			faults = append(faults, dir+" must not import "+imp+": it keeps to the standard library; "+r.why)
		default:
			if l, ok := libraryOf(libraries, imp); ok && !fitsAny(l.rooms, dir) {
				faults = append(faults, dir+" must not import "+imp+": "+l.why)
			}
		}
	}
	return faults
}

// mayImport follows the plan: what r may import, and what that may in turn.
func mayImport(plan []room, r room, target string) bool {
	seen := map[string]bool{}
	var visit func(room) bool
	visit = func(r room) bool {
		if seen[r.path] {
			return false
		}
		seen[r.path] = true
		for _, pattern := range r.may {
			if fits(pattern, target) {
				return true
			}
			for _, next := range plan {
				if fits(pattern, strings.TrimSuffix(next.path, "/...")) && visit(next) {
					return true
				}
			}
		}
		return false
	}
	return visit(r)
}

func roomOf(plan []room, dir string) (room, bool) {
	best, found := room{}, false
	for _, r := range plan {
		if fits(r.path, dir) && (!found || len(r.path) > len(best.path)) {
			best, found = r, true
		}
	}
	return best, found
}

func libraryOf(libraries []library, imp string) (library, bool) {
	for _, l := range libraries {
		if imp == l.module || strings.HasPrefix(imp, l.module+"/") {
			return l, true
		}
	}
	return library{}, false
}

func fits(pattern, dir string) bool {
	above, all := strings.CutSuffix(pattern, "...")
	if !all {
		return pattern == dir
	}
	return strings.HasPrefix(dir+"/", above)
}

func fitsAny(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return fits(p, dir) })
}

// isStandard: the first element of a library's path holds a dot.
func isStandard(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return !strings.Contains(first, ".")
}

// root is the repository's folder.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatalf("%s is not the repository: %v", dir, err)
	}
	return dir
}

// readImports gives every package's imports by its folder. It parses all files
// instead of asking the go command, which sees one platform at a time and
// nothing of the SDK's own module.
func readImports(t *testing.T, root string) map[string][]string {
	t.Helper()
	packages := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if file != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || slices.Contains([]string{"testdata", "node_modules", "bin", "tools"}, name)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(rel)
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		if packages[dir] == nil {
			packages[dir] = []string{}
		}
		for _, spec := range parsed.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if !slices.Contains(packages[dir], imp) {
				packages[dir] = append(packages[dir], imp)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("read imports: %v", err)
	}
	return packages
}
