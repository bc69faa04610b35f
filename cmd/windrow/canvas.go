package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func canvasCommand(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "canvas",
		Short:   "Run tasks that are put together: chains, groups, chords, maps",
		Example: "  windrow canvas run nightly.json\n  windrow canvas run --wait=false - < nightly.json",
	})
	cmd.AddCommand(canvasRun(a))
	return cmd
}

func canvasRun(a *app) *cobra.Command {
	var key string
	var raw bool
	wait := true
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Submit a canvas, wait for its end and print its result",
		Long: `Submit a canvas, wait for its end and print its result as JSON. FILE holds it as
the API takes it, - is standard input: a call, or one of {"chain": […]},
{"group": […]}, {"chord": {"header": […], "body": …}} and {"map": {"task": …,
"items": […]}}, "starmap" or "chunks", nested in any way. Exits with 1 where a task
of it does not succeed. Interrupted, it leaves the run alone.`,
		Example: `  windrow canvas run nightly.json
  echo '{"chain": [{"task": "sums.main", "input": [1, 2]}, {"task": "mail.send"}]}' | windrow canvas run -
  id=$(windrow canvas run --wait=false nightly.json)`,
		Args: want(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			canvas, err := readCanvas(args[0], a.in)
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			var options []windrow.SubmitOption
			if key != "" {
				options = append(options, windrow.IdempotencyKey(key))
			}
			s, err := c.Canvas(cmd.Context(), canvas, options...)
			if err != nil {
				return err
			}
			if !wait {
				return a.say(s, "%s", s.ID)
			}
			return a.awaitRun(cmd.Context(), c, s.ID, raw)
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", true, "wait for its end; false prints the run's id at once")
	cmd.Flags().StringVar(&key, "idempotency-key", "", "`KEY` under which the same canvas makes one run in 24 hours")
	cmd.Flags().BoolVarP(&raw, "raw-output", "r", false, "print a result that is a string as it is, without quotes")
	return cmd
}

// canvasLimit bounds the file of a canvas: what a node takes, and room for
// spaces.
const canvasLimit = 256 << 20

func readCanvas(file string, stdin io.Reader) (windrow.Canvas, error) {
	var c windrow.Canvas
	r := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return c, usagef("%w", err)
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, canvasLimit))
	if err != nil {
		return c, usagef("%s: %w", file, err)
	}
	if err := wire.DecodeCanvas(b, &c); err != nil {
		return c, usagef("%s: %w", file, err)
	}
	return c, nil
}

// awaitRun waits for a run's end and prints what it came to.
func (a *app) awaitRun(ctx context.Context, c *windrow.Client, id string, raw bool) error {
	r, err := c.WaitRun(ctx, id)
	if err != nil {
		return &waitError{id: id, run: true, err: err}
	}
	return a.ended(r, raw)
}

// ended prints the result of a run that has ended.
func (a *app) ended(r *windrow.CanvasRun, raw bool) error {
	if a.json() {
		if err := a.printJSON(r); err != nil {
			return err
		}
	}
	if r.State != wire.RunSuccess {
		return &runFailed{r}
	}
	if a.json() {
		return nil
	}
	return a.printResult(r.Result, raw)
}

// runFailed is a run's own failure.
type runFailed struct{ run *windrow.CanvasRun }

func (e *runFailed) Error() string {
	s := fmt.Sprintf("run %s: %s", e.run.ID, e.run.State)
	if e.run.Error != nil {
		s += " (" + e.run.Error.Type + ")"
		if e.run.Error.Message != "" {
			s += ": " + e.run.Error.Message
		}
	}
	return s
}

// next are the commands that tell more.
func (e *runFailed) next() []string {
	lines := []string{"All of it: windrow run show " + e.run.ID}
	if e.run.Cause != "" {
		lines = append(lines, "The log of the task that failed: windrow task logs "+e.run.Cause)
	}
	return lines
}

// printResult prints what a task or a run came to: JSON, but a string as it is
// where raw is asked for.
func (a *app) printResult(result json.RawMessage, raw bool) error {
	if len(result) == 0 {
		result = json.RawMessage("null")
	}
	var text string
	if raw && json.Unmarshal(result, &text) == nil {
		_, err := fmt.Fprintln(a.out, text)
		return err
	}
	return a.printJSON(result)
}
