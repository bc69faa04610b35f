package rooms

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestInspect breaks each rule once, so that no rule can go blind unnoticed.
func TestInspect(t *testing.T) {
	cases := []struct {
		name, code string
		want       string // part of the fault; nothing for code that is fine
	}{
		{"plain", `func F(a []int, d time.Duration) int { for range a { }; return int(d/time.Second) }`, ""},
		{"clock", `func F() int64 { return time.Now().UnixNano() }`, "time.Now"},
		{"clock as a value", `var F = time.Since`, "time.Since"},
		{"sleep", `func F() { time.Sleep(1) }`, "time.Sleep"},
		{"zone", `func F(t time.Time) time.Time { return t.In(time.Local) }`, "time.Local"},
		{"zone type", `type T struct { L *time.Location }`, "time.Location"},
		{"utc", `func F(n int64) string { return time.Unix(0, n).UTC().Format(time.RFC3339Nano) }`, ""},
		{"rand", `var _ = rand.Int()`, "math/rand/v2"},
		{"maphash", `var _ maphash.Hash`, "hash/maphash"},
		{"disk", `var _ = os.Getpid()`, "imports os"},
		{"goroutine", `func F() { go func() {}() }`, "goroutine"},
		{"select", `func F(a, b chan int) { select { case <-a: case <-b: } }`, "selects"},
		{"float", `type T struct { Rate float64 }`, "float64"},
		{"float32", `func F(n int) int { return int(float32(n) / 2) }`, "float32"},
		{"float by a call", `func F(d time.Duration) int { return int(d.Seconds()) }`, "float64"},
		{"float in disguise", `type R float64; func F(r R) {}`, "float64"},
		{"complex", `var c = complex(1, 2)`, "complex128"},
		{"untyped constant", `const billion = 1e9; func F() int64 { return billion }`, ""},
		{"map", `func F(m map[string]int) { for range m { } }`, "ranges over a map"},
		{"named map", `type M map[string]int; func F(m M) { for range m { } }`, "ranges over a map"},
		{"map with reason", "func F(m map[string]int) (n int) {\n\t// order: a sum is the same in any order.\n\tfor _, v := range m { n += v }\n\treturn n }", ""},
		{"map with long reason", "func F(m map[string]int) (n int) {\n\t// order: a sum is the same\n\t// in any order.\n\tfor _, v := range m { n += v }\n\treturn n }", ""},
		{"map with no reason", "func F(m map[string]int) (n int) {\n\t// order:\n\tfor _, v := range m { n += v }\n\treturn n }", "ranges over a map"},
		{"map with another comment", "func F(m map[string]int) (n int) {\n\t// sum\n\tfor _, v := range m { n += v }\n\treturn n }", "ranges over a map"},
		{"keys", `func F(m map[string]int) []string { return slices.Collect(maps.Keys(m)) }`, "maps.Keys"},
		{"sorted keys", `func F(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }`, ""},
		{"values", `func F(m map[string]int) { for range maps.Values(m) { } }`, "maps.Values"},
	}
	imports := map[string]string{
		"time.": "time", "rand.": "math/rand/v2", "maphash.": "hash/maphash", "os.": "os", "maps.": "maps", "slices.": "slices",
	}
	exports := exportData(t, root(t), slices.Sorted(maps.Values(imports)))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			source := "package p\n"
			for use, path := range imports {
				if strings.Contains(c.code, use) {
					source += "import \"" + path + "\"\n"
				}
			}
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, "p.go", source+c.code, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			faults, err := inspect(fset, []*ast.File{f}, "p", exports)
			if err != nil {
				t.Fatal(err)
			}
			found := slices.ContainsFunc(faults, func(s string) bool { return strings.Contains(s, c.want) })
			if c.want == "" && len(faults) > 0 || c.want != "" && !found {
				t.Errorf("faults %q, want %q", faults, c.want)
			}
		})
	}
}
