package module

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write docs/abi.md anew")

const abiFile = "../../docs/abi.md"

// TestABIDoc holds docs/abi.md to the host's operations and errors, to the
// functions that may be imported and to the limits of a module.
func TestABIDoc(t *testing.T) {
	host := constants(t, "../sandbox/reactor.go")
	page := abiPage(t, "operations", numbered(host, "op", "operation"))
	page = inPage(t, page, "errors", numbered(host, "code", "error"))
	page = inPage(t, page, "functions", functionTable())
	page = inPage(t, page, "limits", limitTable(t))
	if *update {
		if err := os.WriteFile(abiFile, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have, err := os.ReadFile(abiFile); err != nil || string(have) != page {
		t.Errorf("docs/abi.md is not what the code says now (%v); run: go test ./runtime/module -run TestABIDoc -update", err)
	}
}

// TestSDKSpeaksTheABI: the Go SDK numbers operations as the host does.
func TestSDKSpeaksTheABI(t *testing.T) {
	sdk := map[string]string{}
	for _, c := range constants(t, "../../sdk/guest/host.go") {
		sdk[strings.ToLower(c.name)] = c.value
	}
	n := 0
	for _, c := range constants(t, "../sandbox/reactor.go") {
		if strings.HasPrefix(c.name, "op") {
			n++
			if sdk[strings.ToLower(c.name)] != c.value {
				t.Errorf("the host has %s = %s, the SDK %q", c.name, c.value, sdk[strings.ToLower(c.name)])
			}
		}
	}
	if n < 5 {
		t.Errorf("the host has %d operations", n)
	}
}

// constant is one as it stands in a source.
type constant struct{ name, value, comment string }

// constants reads those of a file that have a plain number.
func constants(t *testing.T, file string) (list []constant) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, spec := range g.Specs {
			v, ok := spec.(*ast.ValueSpec)
			if !ok || len(v.Values) != 1 {
				continue
			}
			if value, ok := number(v.Values[0]); ok {
				list = append(list, constant{v.Names[0].Name, value, strings.TrimSpace(v.Comment.Text())})
			}
		}
	}
	return list
}

func number(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Value, e.Kind == token.INT
	case *ast.UnaryExpr:
		s, ok := number(e.X)
		return "−" + s, ok && e.Op == token.SUB
	}
	return "", false
}

func numbered(list []constant, prefix, title string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s | |\n| --- | --- | --- |\n", title)
	for _, c := range list {
		if name, ok := strings.CutPrefix(c.name, prefix); ok {
			fmt.Fprintf(&b, "| %s | `%s` | %s |\n", c.value, strings.ToUpper(name), c.comment)
		}
	}
	return b.String()
}

func functionTable() string {
	var b strings.Builder
	b.WriteString("| function | type |\n| --- | --- |\n")
	for _, module := range []string{windrowModule, wasiModule} {
		for _, name := range sortedNames(hostFunctions[module]) {
			params, results, _ := strings.Cut(hostFunctions[module][name], ">")
			fmt.Fprintf(&b, "| `%s.%s` | `%s → %s` |\n", module, name, orNone(params), orNone(results))
		}
	}
	return b.String()
}

func orNone(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

var (
	upper = regexp.MustCompile(`[A-Z]`)
	group = regexp.MustCompile(`^Of .*:$`)
	// forUsers says to users what the code says to its readers.
	forUsers = strings.NewReplacer("of Weight.Work over all functions", "as estimated, on one core", "of Weight.Memory of each function, bytes", "as estimated, for the heaviest function")
)

// limitTable has the fields of Limits under the comments that head them.
func limitTable(t *testing.T) string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "limits.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	values := reflect.ValueOf(Defaults())
	var b strings.Builder
	b.WriteString("| limit | at most | |\n| --- | --- | --- |\n")
	of := ""
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.StructType)
		if !ok {
			return true
		}
		for _, field := range s.Fields.List {
			if head := strings.TrimSpace(field.Doc.Text()); group.MatchString(head) {
				of = strings.ToLower(head[:1]) + strings.TrimSuffix(head[1:], ":")
			}
			for _, name := range field.Names {
				words := strings.ToLower(strings.TrimSpace(upper.ReplaceAllStringFunc(name.Name, func(c string) string { return " " + c })))
				says := strings.TrimSpace(field.Comment.Text())
				says = forUsers.Replace(strings.Trim(of+", "+says, ", "))
				fmt.Fprintf(&b, "| %s | %s | %s |\n", words, shownLimit(name.Name, values.FieldByName(name.Name).Interface()), says)
			}
		}
		return false
	})
	return b.String()
}

func shownLimit(name string, v any) string {
	if d, ok := v.(time.Duration); ok {
		return strings.TrimSuffix(d.String(), "0s")
	}
	n, ok := v.(int)
	if !ok || !strings.HasSuffix(name, "Bytes") && name != "CompileMemory" {
		return thousands(n)
	}
	for _, unit := range []string{"", " KiB", " MiB", " GiB"} {
		if n < 1<<10 || n%(1<<10) != 0 {
			return thousands(n) + unit
		}
		n >>= 10
	}
	return thousands(n) + " TiB"
}

func abiPage(t *testing.T, part, want string) string {
	t.Helper()
	have, err := os.ReadFile(abiFile)
	if err != nil {
		t.Fatal(err)
	}
	return inPage(t, string(have), part, want)
}

// inPage puts the text between a part's marks.
func inPage(t *testing.T, page, part, want string) string {
	t.Helper()
	begin, end := "<!-- "+part+": go test ./runtime/module -run TestABIDoc -update -->\n", "<!-- end -->\n"
	head, rest, found := strings.Cut(page, begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("docs/abi.md has no place for the %s", part)
	}
	return head + begin + want + end + tail
}
