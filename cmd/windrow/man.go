package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func manCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the manual pages, one a command",
		Long:    "Write a manual page for each command into a folder, such as one in MANPATH.",
		Example: "  windrow man ~/.local/share/man/man1\n  man windrow-task-run",
		Args:    want(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o777); err != nil {
				return &usageError{err}
			}
			pages := append([]*cobra.Command{cmd.Root()}, visibleBelow(cmd.Root())...)
			for _, c := range pages {
				file := filepath.Join(args[0], pageName(c)+".1")
				if err := os.WriteFile(file, []byte(manPage(c)), 0o666); err != nil {
					return &usageError{err}
				}
			}
			return a.say(map[string]any{"folder": args[0], "pages": len(pages)}, "%d manual pages are in %s", len(pages), args[0])
		},
	}
}

// visibleBelow are the commands below one, each before those below it.
func visibleBelow(cmd *cobra.Command) (all []*cobra.Command) {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			all = append(append(all, c), visibleBelow(c)...)
		}
	}
	return all
}

func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage writes a page in the language of man(7).
func manPage(c *cobra.Command) string {
	var b strings.Builder
	section := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, ".SH %s\n%s\n", name, text)
		}
	}
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"windrow %s\" Windrow\n", strings.ToUpper(pageName(c)), version())
	section("NAME", roff(pageName(c)+" - "+c.Short))
	section("SYNOPSIS", roff(c.UseLine()))
	section("DESCRIPTION", strings.ReplaceAll(roff(about(c)), "\n\n", "\n.PP\n"))
	section("COMMANDS", commandsOf(c))
	section("OPTIONS", optionsOf(c.NonInheritedFlags()))
	section("GLOBAL OPTIONS", optionsOf(c.InheritedFlags()))
	if c.Example != "" {
		section("EXAMPLES", ".nf\n"+roff(c.Example)+"\n.fi")
	}
	if c.HasParent() {
		section("SEE ALSO", roff(pageName(c.Parent())+"(1)"))
	}
	return b.String()
}

func about(c *cobra.Command) string {
	if c.Long != "" {
		return c.Long
	}
	return c.Short + "."
}

func commandsOf(c *cobra.Command) string {
	var b strings.Builder
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR(1)\n%s\n", roff(pageName(sub)), roff(sub.Short))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func optionsOf(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		fmt.Fprintf(&b, ".TP\n\\fB%s\\fR %s\n%s\n", roff(name), roff(value), roff(usage))
	})
	return strings.TrimSuffix(b.String(), "\n")
}

// roff makes text one that man shows as it is: no line of it is a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
