package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/internal/testnode"
)

// TestDocs runs what the README's five minutes, the tutorial and the guide to the
// SDK tell a newcomer to type, as it stands there, and looks for the output that
// they promise. Only where a node listens and where files lie differ.
func TestDocs(t *testing.T) {
	tools := commandLine(t)
	for _, c := range []struct{ file, from, to string }{
		{"README.md", "## Your own task", "## Three machines"},
		{"docs/first-task.md", "# Your first task", "## Go on"},
		{"docs/guest-go.md", "## A complete example", "## Input"},
	} {
		t.Run(filepath.Base(c.file), func(t *testing.T) {
			page, err := os.ReadFile(filepath.Join("../..", c.file))
			if err != nil {
				t.Fatal(err)
			}
			_, part, found := strings.Cut(string(page), c.from)
			part, _, end := strings.Cut(part, c.to)
			if !found || !end {
				t.Fatalf("%s has no part from %q to %q any more", c.file, c.from, c.to)
			}
			script, promised := readFences(part)
			if strings.Count(script, "\n") < 4 {
				t.Fatalf("%s has next to no commands: %q", c.file, script)
			}
			out := runScript(t, tools, script)
			for _, p := range promised {
				if !strings.Contains(out, p) {
					t.Errorf("%s promises %q, but its commands print\n%s", c.file, p, out)
				}
			}
		})
	}
}

// commandLine builds windrow, and gives the folder in which bin/windrow is.
func commandLine(t *testing.T) string {
	t.Helper()
	tools := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(tools, "bin", "windrow"), "github.com/windrow-dev/windrow/cmd/windrow")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build windrow: %v\n%s", err, out)
	}
	return tools
}

// runScript types the commands into a shell, in a folder in which bin/windrow
// is, with a node of its own.
func runScript(t *testing.T, tools, script string) string {
	t.Helper()
	n := testnode.Start(t)
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(tools, "bin"), filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	script = strings.NewReplacer("http://127.0.0.1:8080", n.URL(), "/tmp/", dir+"/", "$HOME/windrow/", root+"/").Replace(script)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "-euxo", "pipefail", "-c", script)
	shell.Dir = dir
	shell.WaitDelay = time.Second
	shell.Env = append(os.Environ(), "PATH="+filepath.Join(tools, "bin")+":"+os.Getenv("PATH"), "WINDROW_SERVER="+n.URL(),
		"XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "GOCACHE="+goEnv(t, "GOCACHE"), "GOPROXY=off", "GOFLAGS=", "GOWORK=off")
	var stdout, stderr bytes.Buffer
	shell.Stdout, shell.Stderr = &stdout, &stderr
	if err := shell.Run(); err != nil {
		t.Fatalf("%v\nstdout:\n%s\nstderr:\n%s", err, &stdout, &stderr)
	}
	return stdout.String()
}

// goEnv is a setting of the toolchain's, which else follows the cache folder.
func goEnv(t *testing.T, name string) string {
	t.Helper()
	b, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// named begins a paragraph that says in which file the code below it stands.
var named = regexp.MustCompile("^`([a-z_]+\\.go)`")

// readFences gives the commands of a page's sh blocks, but for those that build
// Windrow or start a node; the files that it has, as commands that write them; and
// the text of its plain blocks: what is printed.
func readFences(page string) (script string, promised []string) {
	kind, file, open := "", "", false
	var block strings.Builder
	for line := range strings.Lines(page) {
		mark, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		command := strings.TrimSpace(strings.Split(line, "#")[0])
		switch {
		case fence && !open:
			kind, open = mark, true
			block.Reset()
		case fence:
			open = false
			switch {
			case kind == "":
				promised = append(promised, strings.TrimSpace(block.String()))
			case kind == "go" && file != "":
				script += "cat > " + file + " <<'END OF FILE'\n" + block.String() + "END OF FILE\n"
				file = ""
			}
		case !open:
			if m := named.FindStringSubmatch(line); m != nil {
				file = m[1]
			}
		case kind == "" || kind == "go":
			block.WriteString(line)
		case kind == "sh" && command != "make build" && !strings.HasSuffix(command, "windrowd &"):
			script += line
		}
	}
	return script, promised
}

// TestDemo runs what `make demo` runs, on the modules that it shows.
func TestDemo(t *testing.T) {
	bin := t.TempDir()
	if err := os.Symlink(testnode.Binary(t), filepath.Join(bin, "windrowd")); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]string{"log-etl": "exe", "grade-updates": "exe", "course-structure": "c-shared"} {
		goIn(t, "../..", wasip1, "build", "-buildmode="+mode, "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(bin, "wasm", name+".wasm"), "./examples/wasm/"+name)
	}
	out := goIn(t, "../..", []string{"CGO_ENABLED=0"}, "run", "./examples/demo", "-bin", bin)
	for _, promised := range []string{"kill -9 of the node", "byte for byte, those expected", "byte for byte the one expected", "once a tick", "a shell script as a module: 422"} {
		if !strings.Contains(out, promised) {
			t.Errorf("the demo does not say %q:\n%s", promised, out)
		}
	}
}

// TestNewcomer follows the README in a clone, from `git clone` to a task of one's
// own, and prints what each step took.
func TestNewcomer(t *testing.T) {
	onlyLong(t)
	out, err := exec.CommandContext(t.Context(), "../../scripts/newcomer.sh").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func TestReadFences(t *testing.T) {
	script, promised := readFences("text\n```sh\nmake build\nbin/windrowd &   # a node\na | b &&\n```\n```go\nx\n```\n```\nout\n```\n`f.go`:\n\n```go\ny\n```\n```sh\nc\n```\n")
	if script != "a | b &&\ncat > f.go <<'END OF FILE'\ny\nEND OF FILE\nc\n" || len(promised) != 1 || promised[0] != "out" {
		t.Errorf("got %q, %q", script, promised)
	}
}
