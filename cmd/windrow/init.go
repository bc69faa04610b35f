package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
)

// templates are the files of new projects by language, each with .txt after its
// name, so that the toolchain takes none for a part of this program.
//
//go:embed template
var templates embed.FS

// sdkFolder is where a project has the SDK's source.
const sdkFolder = "windrow-sdk"

var moduleNamePattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

func initCommand(a *app) *cobra.Command {
	var lang string
	cmd := &cobra.Command{
		Use:   "init NAME",
		Short: "Begin a new module project",
		Long: `Make a folder NAME with a task module. In Go it has two tasks, their tests, and the
source of the SDK, so that it builds at once and without a registry. In C it is one
program without an SDK, and a script that builds it with clang. NAME may be a path;
its last part is the module's name. A folder that holds anything is left alone.`,
		Example: "  windrow init hello\n  windrow init jobs/mail --lang go\n  windrow init counter --lang c",
		Args:    want(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			next, ok := firstSteps[lang]
			if !ok {
				return usagef("--lang %s: there are templates for go and c; any program that is built for wasm32-wasip1 is a module, see docs/modules.md", lang)
			}
			dir := filepath.Clean(args[0])
			name := filepath.Base(dir)
			if !moduleNamePattern.MatchString(name) {
				return usagef("%q is no name of a module: want a small letter, then up to 62 small letters, digits, - or _", name)
			}
			if err := writeProject(dir, name, lang); err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(map[string]string{"name": name, "folder": dir, "lang": lang})
			}
			_, err := fmt.Fprintf(a.out, "%s is a module project now. Next:\n  cd %s\n%s", clean(dir), clean(dir), next)
			return err
		},
	}
	cmd.Flags().StringVar(&lang, "lang", "go", "`LANGUAGE` of the module")
	complete(cmd, "lang", "go", "c")
	return cmd
}

// firstSteps are what to do in a new project, by its language.
var firstSteps = map[string]string{
	"go": "  go test .\n  windrow dev --task greet --input '{\"name\": \"you\"}'\n",
	"c":  "  ./build.sh\n  windrow dev --task main --raw 'one two three'\n",
}

// writeProject makes the project's folder whole, or leaves nothing of it.
func writeProject(dir, name, lang string) (err error) {
	there, err := os.ReadDir(dir)
	switch {
	case err == nil && len(there) > 0:
		return usagef("%s is there already and not empty; choose another name, or remove it", dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return &usageError{err}
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return &usageError{err}
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+name+"-")
	if err != nil {
		return &usageError{err}
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	files, err := projectFiles(name, lang)
	if err != nil {
		return err
	}
	for file, text := range files {
		to := filepath.Join(tmp, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return &usageError{err}
		}
		mode := fs.FileMode(0o666)
		if path.Ext(file) == ".sh" {
			mode = 0o777
		}
		if err := os.WriteFile(to, text, mode); err != nil {
			return &usageError{err}
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return &usageError{err}
	}
	// An empty folder gives way; anything else that came meanwhile does not.
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &usageError{err}
	}
	if err := os.Rename(tmp, dir); err != nil {
		return &usageError{err}
	}
	return nil
}

// projectFiles are a new project's, by their path in it.
func projectFiles(name, lang string) (map[string][]byte, error) {
	files := map[string][]byte{}
	from := path.Join("template", lang)
	list, err := templates.ReadDir(from)
	if err != nil {
		return nil, fmt.Errorf("read the template: %w", err)
	}
	for _, e := range list {
		text, err := templates.ReadFile(path.Join(from, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the template: %w", err)
		}
		to := strings.TrimSuffix(e.Name(), ".txt")
		if to == "gitignore" {
			to = ".gitignore"
		}
		files[to] = []byte(strings.ReplaceAll(string(text), "PROJECT", name))
	}
	if lang != "go" {
		return files, nil
	}
	sdk := windrow.GuestSource()
	err = fs.WalkDir(sdk, ".", func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasSuffix(file, "_test.go") || path.Ext(file) != ".go" && file != "go.mod" {
			return err
		}
		files[path.Join(sdkFolder, file)], err = fs.ReadFile(sdk, file)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the SDK's source: %w", err)
	}
	return files, nil
}
