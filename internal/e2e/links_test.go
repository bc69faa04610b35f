package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	linkTo  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```")
	unsaid  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// TestLinks: no page of the documentation links to a file or a heading that is
// not there. `make docs` checks the same of the site, where it can be built.
func TestLinks(t *testing.T) {
	root := "../.."
	pages := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := e.Name(); e.IsDir() && (name == "node_modules" || path == root+"/bin" || name == ".git") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".md") {
			return nil
		}
		pages++
		for _, m := range linkTo.FindAllStringSubmatch(prose(t, path), -1) {
			if fault := dead(t, path, m[1]); fault != "" {
				t.Errorf("%s links to %s: %s", path, m[1], fault)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if pages < 20 {
		t.Errorf("only %d pages were found", pages)
	}
	if dead(t, root+"/README.md", "docs/tasks.md#no-such-heading") == "" || dead(t, root+"/README.md", "nope.md") == "" {
		t.Error("dead links are not found")
	}
}

// prose is a page without its code.
func prose(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fenced.ReplaceAllString(string(b), "")
}

// dead says what is wrong with a link, other hosts' aside.
func dead(t *testing.T, from, link string) string {
	t.Helper()
	if strings.Contains(link, "://") || strings.HasPrefix(link, "/") {
		return ""
	}
	file, anchor, _ := strings.Cut(link, "#")
	target := from
	if file != "" {
		target = filepath.Join(filepath.Dir(from), file)
	}
	if _, err := os.Stat(target); err != nil {
		return "there is no such file"
	}
	if anchor == "" || !strings.HasSuffix(target, ".md") {
		return ""
	}
	for _, m := range heading.FindAllStringSubmatch(prose(t, target), -1) {
		if strings.ReplaceAll(unsaid.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-") == anchor {
			return ""
		}
	}
	return "it has no such heading"
}
