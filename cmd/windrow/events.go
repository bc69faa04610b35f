package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
)

func eventsCommand(a *app) *cobra.Command {
	var filter windrow.EventFilter
	var limit int
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Follow what happens to tasks, as it is committed",
		Long: `Print every committed transition of tasks, from now on or after an event, until
it is interrupted. Where a connection breaks it goes on after the last event, at
another node if need be: none is missed and none comes twice. With -o json each
event is an object on a line of its own; one of type reset says that events are
missing before it, since nodes keep them for a day or 256 MiB.`,
		Example: `  windrow events
  windrow events --task sums.main --type task.failure,task.revoked
  windrow events --task 01890a5d-ac96-774b-bcce-b302099a8057 -o json
  windrow events --after 4711-0 --limit 100 -o json`,
		Args: want(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return usagef("--limit %d: want a number of events, or 0 for no end", limit)
			}
			if filter.Task != "" && len(filter.Task) != idLength {
				filter.Task = taskName(filter.Task)
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			return a.followEvents(cmd, c, filter, limit)
		},
	}
	f := cmd.Flags()
	f.StringVar(&filter.Task, "task", "", "only this `ID`, or this MODULE.TASK")
	f.StringVar(&filter.Queue, "queue", "", "only this `QUEUE`")
	f.StringSliceVar(&filter.Types, "type", nil, "only these `TYPES`, such as task.success; several may be given")
	f.StringVar(&filter.After, "after", "", "begin after the event with this `ID` (default now)")
	f.IntVar(&limit, "limit", 0, "end after `N` events, 0 for never")
	types := make([]string, len(taskStates))
	for i, s := range taskStates {
		types[i] = "task." + s
	}
	complete(cmd, "type", types...)
	a.completeFlag(cmd, "task", callNames)
	a.completeFlag(cmd, "queue", queueNames)
	return cmd
}

// idLength is that of a task's id, which no other name of a task has: it holds
// a dot.
const idLength = 36

func (a *app) followEvents(cmd *cobra.Command, c *windrow.Client, filter windrow.EventFilter, limit int) error {
	shown, lost := 0, false
	for e, err := range c.Events(cmd.Context(), filter) {
		var cut *windrow.InterruptedError
		switch {
		case errors.As(err, &cut):
			if !lost {
				fmt.Fprintln(a.errs, "windrow: "+clean(cut.Error())+"; trying again")
			}
			lost = true
			continue
		case err != nil:
			return err
		}
		lost = false
		if err := a.printEvent(&e); err != nil {
			return err
		}
		if shown++; shown == limit {
			return nil
		}
	}
	return nil
}

func (a *app) printEvent(e *windrow.Event) error {
	if a.json() {
		var v any = e
		if e.Type == windrow.EventReset {
			v = map[string]string{"id": e.ID, "type": e.Type}
		}
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		_, err = a.out.Write(append(b, '\n'))
		return err
	}
	if e.Type == windrow.EventReset {
		_, err := fmt.Fprintln(a.errs, "windrow: events before "+clean(e.ID)+" are not kept any more; `windrow task list` shows how things stand")
		return err
	}
	text := strings.TrimPrefix(e.Type, "task.")
	if e.Error != "" {
		text += " (" + e.Error + ")"
	}
	if e.TaskID == "" { // a run's, or a schedule's
		_, err := fmt.Fprintf(a.out, "%s  %s  %-24s  %s\n", e.Time.UTC().Format("15:04:05.000"), clean(fmt.Sprintf("%-36s", e.RunID)), clean(text), clean(e.Kind+e.Schedule))
		return err
	}
	_, err := fmt.Fprintf(a.out, "%s  %s  %-24s  %s  attempt %d  %s\n", e.Time.UTC().Format("15:04:05.000"), clean(e.TaskID),
		clean(text), clean(e.Task), e.Attempt, clean(e.Queue))
	return err
}
