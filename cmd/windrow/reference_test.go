package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const referenceFile = "../../docs/cli.md"

// referenceHead is what the commands do not say themselves.
const referenceHead = `# The command line

<!-- Written by go generate ./cmd/windrow from the commands themselves; change them, not this page. -->

%s

## Where and as whom

| flag | environment | else |
| --- | --- | --- |
| ` + "`--server URL`" + `, several allowed | ` + "`WINDROW_SERVER`" + `, separated by commas | ` + "`http://127.0.0.1:8080`" + ` |
| ` + "`--namespace NAMESPACE`" + ` | ` + "`WINDROW_NAMESPACE`" + ` | ` + "`default`" + ` |
| ` + "`--token TOKEN`, `--token-file FILE`" + ` | ` + "`WINDROW_TOKEN`" + ` | no token |
| ` + "`--tls-ca FILE`" + ` | ` + "`WINDROW_TLS_CA`" + ` | the system's authorities |

Any node answers any command. Where one does not answer, the next is asked; a
command that changes something carries an idempotency key, so that repeating it
never does it twice.

## Output

Tables are for people; they may gain columns. For programs, ` + "`-o json`" + ` prints
what the API answers: one object, or for a list one JSON array with an entry a
line. ` + "`task run -o json`" + ` prints the whole task. Errors go to stderr: what is
wrong, what to do, and often the next command.

| exit code | means |
| --- | --- |
| 0 | success |
| 1 | the task failed |
| 2 | usage: the command line, or a file it names, is wrong; nothing was sent |
| 3 | not found |
| 4 | refused |
| 5 | unreachable: no server answered, or none could serve |
| 130 | interrupted |

## Completion

` + "`windrow completion bash`" + ` (or zsh, fish, powershell) prints a script for the
shell. It completes commands and flags, and from the server the names of
modules, tasks, queues, pools and nodes.

## Global flags

%s
## Commands
`

func TestReference(t *testing.T) {
	root := newRoot(newApp(strings.NewReader(""), io.Discard, io.Discard))
	got := reference(root)
	if *update {
		if err := os.MkdirAll("../../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(referenceFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/cli.md is not what the commands say; go generate ./cmd/windrow writes it anew")
	}
}

// TestEveryCommandHasAnExample holds help to what the reference promises.
func TestEveryCommandHasAnExample(t *testing.T) {
	root := newRoot(newApp(strings.NewReader(""), io.Discard, io.Discard))
	for _, cmd := range commands(root) {
		if cmd.Example == "" || cmd.Short == "" {
			t.Errorf("%s has no example or no description", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Example) {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: the example %q is not indented", cmd.CommandPath(), line)
			}
		}
	}
}

// commands are all of ours below root, in order; help and completion are
// cobra's.
func commands(root *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, cmd := range root.Commands() {
		if cmd.Name() != "help" && cmd.Name() != "completion" {
			all = append(append(all, cmd), commands(cmd)...)
		}
	}
	return all
}

func reference(root *cobra.Command) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, referenceHead, strings.TrimSpace(strings.Split(root.Long, "\n\n")[0]), flagTable(root.PersistentFlags()))
	for _, cmd := range commands(root) {
		if cmd.HasSubCommands() {
			fmt.Fprintf(&b, "\n### %s\n\n%s.\n", cmd.CommandPath(), cmd.Short)
			continue
		}
		about := cmd.Long
		if about == "" {
			about = cmd.Short + "."
		}
		fmt.Fprintf(&b, "\n#### %s\n\n%s\n\n```\n%s\n```\n\n", cmd.CommandPath(), about, cmd.UseLine())
		fmt.Fprintf(&b, "```sh\n%s\n```\n", unindent(cmd.Example))
		if cmd.LocalNonPersistentFlags().HasAvailableFlags() {
			fmt.Fprintf(&b, "\n%s", flagTable(cmd.LocalNonPersistentFlags()))
		}
	}
	return b.Bytes()
}

func unindent(s string) string {
	return strings.TrimPrefix(strings.ReplaceAll(s, "\n  ", "\n"), "  ")
}

func flagTable(flags *pflag.FlagSet) string {
	var b strings.Builder
	b.WriteString("| flag | does |\n| --- | --- |\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + value
		}
		if shown := f.DefValue; shown != "" && shown != "0" && shown != "false" && shown != "[]" && !strings.Contains(usage, "(default") {
			usage += " (default " + shown + ")"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(name, "|", "\\|"), strings.ReplaceAll(usage, "|", "\\|"))
	})
	return b.String()
}
