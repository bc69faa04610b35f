package api

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
	"github.com/windrow-dev/windrow/workflow"
)

// told is what docs/events.md says of the event of each state. A state that is
// no event has the reason in silent.
var told = map[queue.State]string{
	queue.Pending:        "it is stored, and waits for its time, its turn, a limit or a slot: at its submission, when the wait for its next attempt is over, and when its worker was lost or gave it back",
	queue.Received:       "it is assigned to a worker",
	queue.Retrying:       "an attempt failed, and another will be made; `error` has the type of what went wrong",
	queue.Success:        "it has ended, and its result is there",
	queue.Failure:        "it has ended without a result, or went to the dead letters; `error` has the type of what went wrong",
	queue.Deferred:       "it waits without a slot, for its children or for a time, and goes on as `task.pending`",
	queue.Revoked:        "it was revoked, or its time to begin was over",
	queue.Skipped:        "of a run: its trigger rule let it be passed over",
	queue.UpstreamFailed: "of a run: it cannot run, since one before it failed",
}

// runTold is what docs/events.md says of the event of each state of a run.
var runTold = map[workflow.RunState]string{
	workflow.Running:   "it was accepted, and its first tasks begin",
	workflow.Success:   "it has ended, and its result is there",
	workflow.Failed:    "it has ended, and not all of it by success",
	workflow.Cancelled: "it was cancelled, and all of it has ended",
}

// scheduleTold is what docs/events.md says of the events of schedules.
var scheduleTold = map[state.ScheduleEvent]string{
	state.EventFired:   "a run of it began, for a tick or by hand",
	state.EventSkipped: "its `overlap` passed a tick over; `run_id` is the run that goes on",
	state.EventMissed:  "ticks went by while nobody was there, and are not made up for",
	state.EventFailed:  "the run of a tick could not begin; `error` has the code",
}

var silent = map[queue.State]string{
	queue.Started: "an observation of the leader, which is not committed",
	queue.Removed: "of workflows, which this version has not",
}

const eventsFile = "../docs/events.md"

// TestEventsDoc holds docs/events.md to the states that there are and to
// wire.Event.
func TestEventsDoc(t *testing.T) {
	var types strings.Builder
	types.WriteString("| type | says of the task |\n| --- | --- |\n")
	for s := queue.Pending; s.String() != ""; s++ {
		says, why := told[s], silent[s]
		if (says == "") == (why == "") {
			t.Errorf("%s is to be either told or silent", s)
		}
		if says != "" {
			fmt.Fprintf(&types, "| `task.%s` | %s |\n", s, says)
		}
	}
	for s := workflow.Running; s.String() != "" && s <= workflow.Cancelled; s++ {
		fmt.Fprintf(&types, "| `run.%s` | of a run: %s |\n", s, runTold[s])
	}
	for e := state.EventFired; e <= state.EventFailed; e++ {
		fmt.Fprintf(&types, "| `schedule.%s` | of a schedule: %s |\n", e, scheduleTold[e])
	}
	fmt.Fprintf(&types, "| `%s` | nothing: events after the id that was asked for are not kept any more; `after` is the id to go on from |\n", wire.EventReset)

	found, err := comments("../sdk/wire") // not the embedded ones, which -update writes
	if err != nil {
		t.Fatal(err)
	}
	var about map[string]string
	if err := json.Unmarshal(found, &about); err != nil {
		t.Fatal(err)
	}
	var fields strings.Builder
	fields.WriteString("| field | |\n| --- | --- |\n")
	event := reflect.TypeFor[wire.Event]()
	for i := range event.NumField() {
		name, options, _ := strings.Cut(event.Field(i).Tag.Get("json"), ",")
		says := about["Event."+name]
		if options == "omitempty" {
			says = strings.TrimPrefix(says+"; only where there is one", "; ")
		}
		fmt.Fprintf(&fields, "| `%s` | %s |\n", name, says)
	}

	have, err := os.ReadFile(eventsFile)
	if err != nil {
		t.Fatal(err)
	}
	page := string(have)
	for part, want := range map[string]string{"types": types.String(), "fields": fields.String()} {
		begin, end := "<!-- "+part+": go test ./api -update -->\n", "<!-- end -->\n"
		head, rest, found := strings.Cut(page, begin)
		_, tail, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Fatalf("%s has no place for the %s", eventsFile, part)
		}
		page = head + begin + want + end + tail
	}
	current(t, eventsFile, []byte(page))
}
