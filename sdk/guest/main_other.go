//go:build !wasip1

package guest

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Main is a module's main function. Built for Wasm it is never called: the host
// calls tasks. As an ordinary program it runs one, so that a task can be tried
// without a node:
//
//	go run . TASK [INPUT]    INPUT is JSON; - reads it from stdin
//	go run . -manifest       what the module tells of itself
func Main() { os.Exit(program(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// Exit codes of the program, as the command line client has them.
const (
	exitFailed = 1
	exitUsage  = 2
)

func program(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	text, err := Manifest()
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFailed
	}
	switch {
	case len(args) == 1 && strings.TrimLeft(args[0], "-") == "manifest":
		fmt.Fprintf(stdout, "%s\n", text)
		return 0
	case len(args) == 0, len(args) > 2, strings.HasPrefix(args[0], "-"):
		return usage(stderr)
	case find(args[0]) == nil:
		fmt.Fprintf(stderr, "there is no task %q\n", args[0])
		return usage(stderr)
	}
	input := ""
	if len(args) == 2 {
		input = args[1]
	}
	if input == "-" {
		b, err := io.ReadAll(stdin)
		if err != nil {
			fmt.Fprintln(stderr, "read stdin:", err)
			return exitFailed
		}
		input = string(b)
	}
	return int(ServeStrictly(&terminal{stdout, stderr}, envelope(args[0], input)))
}

// envelope is a call with an input, or none.
func envelope(task, input string) []byte {
	name, _ := encode(task) // a string always encodes
	b := append([]byte(`{"task":`), name...)
	if input != "" {
		b = append(append(b, `,"input":`...), input...)
	}
	return append(b, '}')
}

func usage(w io.Writer) int {
	fmt.Fprintln(w, "This is a task module run as a program. Say a task and its input as JSON, or - to read it from stdin:")
	for _, t := range tasks {
		fmt.Fprintf(w, "  %s %s\n", t.Name(), t.settings().description)
	}
	fmt.Fprintln(w, "For a node build it with GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared")
	return exitUsage
}

// terminal is the host of a task that is run as a program.
type terminal struct{ stdout, stderr io.Writer }

// programTime is how long a program's task may run, in milliseconds.
const programTime = int64(time.Hour / time.Millisecond)

// Call implements Host.
func (t *terminal) Call(op int32, arg []byte) ([]byte, error) {
	switch op {
	case OpOutput:
		fmt.Fprintf(t.stdout, "%s\n", arg)
	case OpFail:
		fmt.Fprintf(t.stderr, "failed: %s\n", arg)
	case OpLog:
		fmt.Fprintf(t.stderr, "%s\n", strings.TrimSuffix(string(arg), "\n"))
	case OpProgress:
		fmt.Fprintf(t.stderr, "progress: %s\n", arg)
	case OpRemaining:
		return fmt.Append(nil, programTime), nil
	default:
		return nil, &HostError{Code: -1, Message: fmt.Sprintf("operation %d needs a node", op)}
	}
	return nil, nil
}
