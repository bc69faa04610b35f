package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/windrow-dev/windrow/sdk/wire"
)

func moduleCommand(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "module",
		Short:   "Upload Wasm modules and look at them",
		Example: "  windrow module push sums.wasm\n  windrow module list",
	})
	cmd.AddCommand(modulePush(a), moduleList(a), moduleShow(a), moduleInspect(a), moduleRemove(a), moduleDownload(a))
	return cmd
}

func modulePush(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "push [NAME] FILE",
		Short: "Upload a module, as a new version where its bytes are new",
		Long: `Upload a module. It is validated and compiled before it is accepted. Without a
NAME the module is called as its file is, without .wasm. FILE - is standard
input. The same bytes again are the same version.`,
		Example: `  windrow module push sums.wasm
  windrow module push sums build/out.wasm
  gzip -dc sums.wasm.gz | windrow module push sums -`,
		Args: want(1, 2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 1 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return []string{"wasm"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			file, name := args[len(args)-1], args[0]
			if len(args) == 1 {
				name = moduleName(file)
			}
			if name == "" {
				return usagef("standard input has no name; give one: windrow module push NAME -")
			}
			wasm, closeFile, err := openModule(a, file)
			if err != nil {
				return err
			}
			defer closeFile()
			c, err := a.connect()
			if err != nil {
				return err
			}
			wasm, done := watchUpload(wasm, file, a.errs, isTerminal(a.errs) && !a.json())
			m, created, err := c.PushModule(cmd.Context(), name, wasm)
			done()
			if err != nil {
				return err
			}
			what := "pushed as"
			if !created {
				what = "is there already as"
			}
			return a.say(m, "module %s %s version %d, %s, %s (%s)", m.Name, what, m.Version, m.Kind, size(m.Size), taskList(m))
		},
	}
}

// moduleName makes a module's name of its file's.
func moduleName(file string) string {
	if file == "-" {
		return ""
	}
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	return strings.ToLower(strings.NewReplacer(" ", "-", ".", "-").Replace(name))
}

func openModule(a *app, file string) (io.Reader, func(), error) {
	if file == "-" {
		return a.in, func() {}, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, &usageError{err}
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, nil, usagef("%s is a folder; give the .wasm file that was built", file)
	}
	return f, func() { f.Close() }, nil
}

func taskList(m *wire.Module) string {
	names := make([]string, len(m.Tasks))
	for i, t := range m.Tasks {
		names[i] = m.Name + "." + t.Name
	}
	return strings.Join(names, ", ")
}

func moduleList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List modules, each with its newest version",
		Example: "  windrow module list\n  windrow module list -o json",
		Args:    want(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			t := newTable("NAME", ">VERSION", "KIND", ">SIZE", "TASKS", "LANGUAGE", "PUSHED")
			return showList(a, c.Modules(cmd.Context()), 0, t, func(m wire.Module) []string {
				return []string{m.Name, fmt.Sprint(m.Version), m.Kind, size(m.Size), short(taskList(&m), 60), m.Language, ago(a.now(), m.CreatedAt.Time)}
			})
		},
	}
}

func moduleShow(a *app) *cobra.Command {
	var version uint32
	cmd := &cobra.Command{
		Use:               "show NAME",
		Short:             "Show a module: its tasks, its digest, its versions",
		Example:           "  windrow module show sums\n  windrow module show sums --version 2",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(moduleNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			m, err := c.Module(cmd.Context(), args[0], version)
			if err != nil {
				return err
			}
			return a.show(m, func(f *fields) { a.moduleFields(f, m) })
		},
	}
	cmd.Flags().Uint32Var(&version, "version", 0, "version `N` (default the newest)")
	return cmd
}

func (a *app) moduleFields(f *fields, m *wire.Module) {
	f.add("Name", m.Name)
	f.add("Version", fmt.Sprint(m.Version))
	f.add("Versions", numbers(m.Versions))
	f.add("Kind", m.Kind)
	f.add("Digest", m.Digest)
	f.add("Size", size(m.Size))
	f.add("Pushed", a.moment(m.CreatedAt))
	f.add("Made with", m.Toolchain)
	f.add("Tasks", taskLines(m))
	workflows := make([]string, len(m.Workflows))
	for i, w := range m.Workflows {
		workflows[i] = w.Name
	}
	f.add("Workflows", strings.Join(workflows, "\n"))
	if m.MemoryMin > 0 {
		f.add("Memory", "starts with "+size(int64(m.MemoryMin)))
	}
	f.add("Features", strings.Join(m.Features, ", "))
	if m.Live > 0 {
		f.add("Needed by", fmt.Sprintf("%d unfinished tasks", m.Live))
	}
}

// taskLines are the tasks with what the module says of them, a line each.
func taskLines(m *wire.Module) string {
	width := 0
	for _, t := range m.Tasks {
		width = max(width, len(m.Name)+1+len(t.Name))
	}
	lines := make([]string, len(m.Tasks))
	for i, t := range m.Tasks {
		about := strings.Join(strings.Fields(t.Description), " ")
		lines[i] = strings.TrimRight(fmt.Sprintf("%-*s  %s", width, m.Name+"."+t.Name, short(about, longDescription)), " ")
	}
	return strings.Join(lines, "\n")
}

// longDescription is how much of a description stands on a line.
const longDescription = 80

func numbers(list []uint32) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = fmt.Sprint(n)
	}
	return strings.Join(words, ", ")
}

func moduleRemove(a *app) *cobra.Command {
	var version uint32
	cmd := &cobra.Command{
		Use:               "remove NAME",
		Short:             "Remove a module, or one version of it",
		Long:              "Remove a module with all its versions, or with --version one of them. It is\nrefused while unfinished tasks need it.",
		Example:           "  windrow module remove sums --version 1\n  windrow module remove sums",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(moduleNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if err := c.RemoveModule(cmd.Context(), args[0], version); err != nil {
				return err
			}
			what := "module " + args[0]
			if version > 0 {
				what = fmt.Sprintf("version %d of module %s", version, args[0])
			}
			return a.removed(args[0], what)
		},
	}
	cmd.Flags().Uint32Var(&version, "version", 0, "remove only version `N`")
	return cmd
}

// removed tells of something that is gone; the API answers nothing to that.
func (a *app) removed(name, what string) error {
	return a.say(map[string]any{"name": name, "removed": true}, "removed %s", what)
}

func moduleDownload(a *app) *cobra.Command {
	var version uint32
	var file string
	cmd := &cobra.Command{
		Use:               "download NAME",
		Short:             "Download a module's Wasm bytes, checked against their digest",
		Example:           "  windrow module download sums\n  windrow module download sums --version 1 --file old.wasm\n  windrow module download sums --file - | wasm-tools print",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(moduleNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if file == "-" {
				_, err := c.DownloadModule(cmd.Context(), args[0], version, a.out)
				return err
			}
			if file == "" {
				file = args[0] + ".wasm"
			}
			var m *wire.Module
			err = writeFile(file, func(w io.Writer) (err error) {
				m, err = c.DownloadModule(cmd.Context(), args[0], version, w)
				return err
			})
			if err != nil {
				return err
			}
			return a.say(m, "wrote %s: %s version %d, %s", file, m.Name, m.Version, size(m.Size))
		},
	}
	cmd.Flags().Uint32Var(&version, "version", 0, "version `N` (default the newest)")
	cmd.Flags().StringVar(&file, "file", "", "`FILE` to write, - for standard output (default NAME.wasm)")
	return cmd
}

// writeFile writes a file that appears under its name only when it is whole.
func writeFile(file string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".windrow-*")
	if err != nil {
		return &usageError{err}
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already where all went well
	err = write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return &usageError{err}
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return &usageError{err}
	}
	return nil
}
