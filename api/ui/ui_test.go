package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
)

func ask(t *testing.T, target string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	app := fiber.New()
	app.Get("/", Page)
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := app.Test(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, body
}

var linked = regexp.MustCompile(`(?:src|href)="([^"]*)"`)

// Everything that the page names is there, is the node's own and is cached for
// as long as its name says.
func TestPageAndItsFiles(t *testing.T) {
	answer, body := ask(t, "/")
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != types[".html"] {
		t.Fatalf("page: %d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	if got := answer.Header.Get("Content-Security-Policy"); got != policy {
		t.Errorf("policy %q", got)
	}
	if got := answer.Header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("the page itself is kept: %q", got)
	}
	links := linked.FindAllSubmatch(body, -1)
	if len(links) < 3 {
		t.Fatalf("the page names %d files:\n%s", len(links), body)
	}
	for _, l := range links {
		target := string(l[1])
		if !strings.HasPrefix(target, "?f=") {
			t.Errorf("the page names %q", target)
			continue
		}
		answer, file := ask(t, "/"+target)
		if answer.StatusCode != http.StatusOK || len(file) == 0 {
			t.Errorf("%s: %d, %d bytes", target, answer.StatusCode, len(file))
		}
		kept := strings.Contains(answer.Header.Get("Cache-Control"), "immutable")
		if kept != strings.HasPrefix(target, "?f=app-") {
			t.Errorf("%s: Cache-Control %q", target, answer.Header.Get("Cache-Control"))
		}
	}
	if bytes.Contains(body, []byte("<script>")) || bytes.Contains(body, []byte("style=")) {
		t.Error("the page has something inline, which its policy forbids")
	}
}

func TestUnknownFile(t *testing.T) {
	for _, name := range []string{"app-0.js", "../ui.go", "SOURCES", "index"} {
		if answer, _ := ask(t, "/?f="+name); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
}

func TestGzip(t *testing.T) {
	_, plain := ask(t, "/")
	answer, zipped := ask(t, "/", "Accept-Encoding", "br, gzip")
	if answer.Header.Get("Content-Encoding") != "gzip" {
		t.Fatal("not compressed")
	}
	r, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%v, %d bytes instead of %d", err, len(got), len(plain))
	}
	for accept, want := range map[string]bool{"": false, "br": false, "gzip": true, "gzip;q=0": false, "gzip; q=0.0": false, "gzip;q=0.05": true, "br, *": true} {
		if got := acceptsGzip(accept); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}

func TestNotModified(t *testing.T) {
	answer, _ := ask(t, "/")
	answer, body := ask(t, "/", "If-None-Match", answer.Header.Get("ETag"))
	if answer.StatusCode != http.StatusNotModified || len(body) != 0 {
		t.Errorf("%d, %d bytes", answer.StatusCode, len(body))
	}
}

// The page stays small: what a browser loads, compressed.
func TestWeight(t *testing.T) {
	files, err := pages()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, f := range files {
		total += len(f.zipped())
	}
	t.Logf("%d files, %d bytes compressed", len(files), total)
	if total > 60<<10 {
		t.Errorf("%d bytes compressed are more than 60 KiB", total)
	}
}

// dist/ was built from the sources beside it. build.sh makes the same sum; that
// they also build these very files is build.sh -check's to say, which needs npm.
func TestBuiltFromTheseSources(t *testing.T) {
	names := []string{"index.html", "package.json", "package-lock.json", "svelte.config.js", "vite.config.js"}
	for _, folder := range []string{"public", "src"} {
		err := filepath.WalkDir(folder, func(name string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				names = append(names, filepath.ToSlash(name))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(names)
	all := sha256.New()
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(all, "%x  %s\n", sha256.Sum256(b), name)
	}
	built, err := dist.ReadFile("dist/SOURCES")
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(all.Sum(nil)); got != strings.TrimSpace(string(built)) {
		t.Error("api/ui/dist was built from other sources; run make page and commit it")
	}
}

// No registry's address may stand in the lock file: it would send everybody to
// the registry of whoever wrote it.
func TestLockNamesNoRegistry(t *testing.T) {
	b, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte(`"resolved"`)) {
		t.Error("package-lock.json has addresses; make it with npm install --omit-lockfile-registry-resolved")
	}
}
