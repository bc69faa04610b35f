package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
)

// app is one invocation: its streams, the flags that every command has, and
// the client once a command asks for it.
type app struct {
	in        io.Reader
	out, errs io.Writer
	// terminal says that people read out: colour and layout for eyes.
	terminal bool
	now      func() time.Time

	servers   []string
	namespace string
	token     string
	tokenFile string
	ca        string
	format    string
	retryFor  time.Duration

	client *windrow.Client
	// path is the command that runs, such as "windrow task run".
	path string
	// started says that the command line was understood; an error before
	// that is one of usage.
	started bool
}

func newApp(in io.Reader, out, errs io.Writer) *app {
	return &app{in: in, out: out, errs: errs, terminal: isTerminal(out), now: time.Now}
}

func (a *app) run(ctx context.Context, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if a.client != nil {
		a.client.Close()
	}
	a.path = cmd.CommandPath()
	return a.exit(ctx, err)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

const (
	formatTable = "table"
	formatJSON  = "json"
)

// globalFlags adds the flags that every command has.
func (a *app) globalFlags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringSliceVar(&a.servers, "server", nil, "`URL` of a node; several may be given, the next is asked where one does not answer (WINDROW_SERVER, else "+windrow.DefaultServer+")")
	f.StringVar(&a.namespace, "namespace", "", "`NAMESPACE` (WINDROW_NAMESPACE, else default)")
	f.StringVar(&a.token, "token", "", "access `TOKEN` (WINDROW_TOKEN)")
	f.StringVar(&a.tokenFile, "token-file", "", "`FILE` that holds the access token")
	f.StringVar(&a.ca, "tls-ca", "", "PEM `FILE` of the authority that signs the servers' certificates (WINDROW_TLS_CA)")
	f.StringVarP(&a.format, "output", "o", formatTable, "`FORMAT`, table or json; json prints what the API answers, a list as one array")
	f.DurationVar(&a.retryFor, "retry-for", 2*time.Second, "go on trying for so long while no server answers, a `DURATION`")
	complete(cmd, "output", formatTable, formatJSON)
}

// begin checks the global flags and fills them from the environment. It runs
// before any command.
func (a *app) begin() error {
	fromEnv := func(value *string, name string) {
		if *value == "" {
			*value = os.Getenv(name)
		}
	}
	if len(a.servers) == 0 {
		if list := os.Getenv("WINDROW_SERVER"); list != "" {
			a.servers = strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
		}
	}
	fromEnv(&a.namespace, "WINDROW_NAMESPACE")
	fromEnv(&a.ca, "WINDROW_TLS_CA")
	if a.tokenFile != "" {
		if a.token != "" {
			return errors.New("--token and --token-file exclude each other")
		}
		b, err := os.ReadFile(a.tokenFile)
		if err != nil {
			return fmt.Errorf("--token-file: %w", err)
		}
		a.token = strings.TrimSpace(string(b))
	}
	fromEnv(&a.token, "WINDROW_TOKEN")
	if a.format != formatTable && a.format != formatJSON {
		return fmt.Errorf("-o %s: want table or json", a.format)
	}
	if a.retryFor <= 0 {
		a.retryFor = -1
	}
	return nil
}

// connect gives the client, made from the flags when first asked for.
func (a *app) connect() (*windrow.Client, error) {
	if a.client != nil {
		return a.client, nil
	}
	client, err := windrow.New(windrow.Config{
		Servers: a.servers, Namespace: a.namespace, Token: a.token, CAFile: a.ca,
		RetryFor: a.retryFor, UserAgent: "windrow-cli/" + version(),
	})
	if err != nil {
		return nil, &usageError{err}
	}
	a.client = client
	return client, nil
}

// json reports whether a program reads the output.
func (a *app) json() bool { return a.format == formatJSON }
