package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write descriptions.json and docs/api.md anew")

// TestDescriptions holds descriptions.json to the comments of sdk/wire.
func TestDescriptions(t *testing.T) {
	want, err := comments("../sdk/wire")
	if err != nil {
		t.Fatal(err)
	}
	current(t, "descriptions.json", want)
}

// current compares a generated file, or writes it with -update.
func current(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("%s is not what the code says now; run: go test ./api -update", file)
	}
}

// comments gathers what Go comments say of types and their JSON fields.
func comments(dir string) ([]byte, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				for _, spec := range g.Specs {
					if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() {
						typeComments(found, g, s)
					}
				}
			}
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(found)
	return b.Bytes(), err
}

func typeComments(found map[string]string, g *ast.GenDecl, s *ast.TypeSpec) {
	note := func(name string, groups ...*ast.CommentGroup) {
		for _, c := range groups {
			if text := strings.Join(strings.Fields(c.Text()), " "); text != "" {
				found[name] = text
			}
		}
	}
	name := s.Name.Name
	note(name, g.Doc, s.Doc)
	fields, ok := s.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range fields.Fields.List {
		if f.Tag == nil {
			continue
		}
		tag, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			continue
		}
		field, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		note(name+"."+field, f.Doc, f.Comment)
	}
}

// noLoader is a loader that opens nothing.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) { return nil, fmt.Errorf("%s is not opened", url) }

// TestReference: what is served is whole, and its schemas compile.
func TestReference(t *testing.T) {
	b := start(t)
	a := b.do("GET", "/openapi.json", "").ok(200, nil)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	if err := c.AddResource("mem:///openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	components := doc.(map[string]any)["components"].(map[string]any)
	for name := range components["schemas"].(map[string]any) {
		if _, err := c.Compile("mem:///openapi.json#/components/schemas/" + name); err != nil {
			t.Errorf("schema %s: %v", name, err)
		}
	}
	// No reference leads nowhere.
	for _, m := range regexp.MustCompile(`"\$ref":"#/components/([a-z]+)/([A-Za-z0-9_.]+)"`).FindAllStringSubmatch(a.body, -1) {
		if components[m[1]].(map[string]any)[m[2]] == nil {
			t.Errorf("%s refers to nothing", m[0])
		}
	}
	for i := range table {
		for _, code := range table[i].codes {
			if _, ok := kinds[code]; !ok {
				t.Errorf("%s %s: no problem has the code %q", table[i].method, table[i].path, code)
			}
		}
	}
}

// TestNothingUndocumented: what Fiber serves is what the document lists.
func TestNothingUndocumented(t *testing.T) {
	b := start(t)
	var doc struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal([]byte(b.do("GET", "/openapi.json", "").ok(200, nil).body), &doc); err != nil {
		t.Fatal(err)
	}
	var served, documented, ids []string
	for _, stack := range b.srv.app.Stack() {
		for _, r := range stack {
			path, _ := pathParams(r.Path)
			if r.Method != fiber.MethodHead && !middleware(r) {
				served = append(served, strings.ToLower(r.Method)+" "+path)
			}
		}
	}
	for path, item := range doc.Paths {
		for method, op := range item {
			documented = append(documented, method+" "+path)
			ids = append(ids, op.ID)
		}
	}
	slices.Sort(served)
	served = slices.Compact(served)
	slices.Sort(documented)
	slices.Sort(ids)
	if !slices.Equal(served, documented) {
		t.Errorf("served: %q\ndocumented: %q", served, documented)
	}
	if n := len(slices.Compact(ids)); n != len(documented) {
		t.Errorf("%d operation ids for %d operations", n, len(documented))
	}
}

// middleware tells app.Use's routes, which stand under every method.
func middleware(r *fiber.Route) bool { return r.Path == "/" && r.Method != fiber.MethodGet }

func TestDocsPage(t *testing.T) {
	b := start(t)
	a := b.do("GET", "/docs", "").ok(200, nil)
	if policy := a.header.Get("Content-Security-Policy"); a.header.Get("Content-Type") != typePage || strings.Count(policy, "'sha256-") != 2 {
		t.Errorf("%v", a.header)
	}
	if m := regexp.MustCompile(`(?:src|href)="?(?:https?:)?//[^" ]*`).FindString(a.body); m != "" {
		t.Errorf("the page asks others: %s", m)
	}
}

const docsFile = "../docs/api.md"

// TestDocs holds the tables of docs/api.md to the code.
func TestDocs(t *testing.T) {
	have, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- routes: go test ./api -update -->\n", "<!-- end -->\n"
	head, rest, found := strings.Cut(string(have), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the routes", docsFile)
	}
	current(t, docsFile, []byte(head+begin+routesTable()+end+tail))
}

// routesTable is all routes and all codes in Markdown.
func routesTable() string {
	var b strings.Builder
	b.WriteString("| route | | body | answers |\n| --- | --- | --- | --- |\n")
	for _, tag := range tagged {
		for i := range table {
			r := &table[i]
			if r.tag != tag.name {
				continue
			}
			path, _ := pathParams(r.path)
			mark := ""
			if r.traits&keyed != 0 {
				mark = " *"
			}
			var answers []string
			for _, a := range r.answers {
				answers = append(answers, strings.TrimSpace(strconv.Itoa(a.status)+" "+shownContent(a.body)))
			}
			fmt.Fprintf(&b, "| `%s %s`%s | %s | %s | %s |\n", r.method, path, mark, r.summary, shownContent(r.body), strings.Join(answers, ", "))
		}
	}
	b.WriteString("\n| code | status | |\n| --- | --- | --- |\n")
	codes := slices.SortedFunc(maps.Keys(kinds), func(a, b string) int {
		return cmp.Or(kinds[a].status-kinds[b].status, strings.Compare(a, b))
	})
	for _, code := range codes {
		fmt.Fprintf(&b, "| `%s` | %d | %s |\n", code, kinds[code].status, kinds[code].title)
	}
	return b.String()
}

func shownContent(c *content) string {
	switch {
	case c == nil:
		return ""
	case len(c.types) > 1 && c.event != nil:
		return strings.Split(c.types[0], ";")[0] + " or stream of `" + c.event.Name() + "`"
	case c.event != nil:
		return "stream of `" + c.event.Name() + "`"
	case c.json == nothingType:
		return "–"
	case c.list:
		return "list of `" + c.json.Name() + "`, NDJSON or JSON"
	case c.json != nil:
		name, of, generic := strings.Cut(strings.TrimSuffix(c.json.Name(), "]"), "[")
		if generic {
			return "`" + of[strings.LastIndexByte(of, '.')+1:] + name + "`"
		}
		return "`" + name + "`"
	}
	return strings.Split(c.types[0], ";")[0]
}
