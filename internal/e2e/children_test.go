package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"

	"github.com/windrow-dev/windrow/internal/testnode"
)

// parentSource is a module whose tasks run others of it.
const parentSource = `package main

import (
	"errors"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/sdk/canvas"
	"github.com/windrow-dev/windrow/sdk/guest"
	"github.com/windrow-dev/windrow/sdk/wire"
)

var _ = guest.Handle("square", func(_ *guest.Context, n int) (int, error) {
	if n < 0 {
		return 0, guest.Errorf("negative", "%d is below zero", n)
	}
	return n * n, nil
})

var _ = guest.Handle("text", func(_ *guest.Context, n int) (string, error) { return strings.Repeat("x", n), nil })

type Squares struct {
	From, To int
	Countdown int ` + "`windrow:\"optional\"`" + ` // seconds
}

type step struct{ Asked time.Time }

// squares waits for a group of tasks and gives their results in order.
var _ = guest.Handle("squares", func(ctx *guest.Context, in Squares) ([]int, error) {
	ctx.Log.Info("called", "attempt", ctx.Attempt())
	if r := ctx.Resume(); r != nil {
		var s step
		if err := r.Load(&s); err != nil || s.Asked.IsZero() {
			return nil, errors.New("the state is lost")
		}
		return guest.ResultOf[[]int](r.Runs[0])
	}
	var all []canvas.Canvas
	later := wire.Duration(time.Duration(in.Countdown) * time.Second)
	for n := in.From; n < in.To; n++ {
		c := canvas.S(".square", n)
		if later > 0 {
			c.Call.Countdown = &later
		}
		all = append(all, c)
	}
	run, err := ctx.Spawn(canvas.Group(all...))
	if err != nil {
		return nil, err
	}
	return nil, guest.Await(step{time.Now()}, guest.Runs(run))
})

// texts waits for results that are large together, and tells their length.
var _ = guest.Handle("texts", func(ctx *guest.Context, n int) (int, error) {
	if r := ctx.Resume(); r != nil {
		texts, err := guest.ResultOf[[]string](r.Runs[0])
		return len(strings.Join(texts, "")), err
	}
	run, err := ctx.Spawn(canvas.Map(canvas.S(".text"), []int{n, n, n}))
	if err != nil {
		return 0, err
	}
	return 0, guest.Await(nil, guest.Runs(run))
})

// twice leaves its place to others.
var _ = guest.Handle("twice", func(_ *guest.Context, n int) (int, error) {
	return 0, guest.Replace(canvas.Chain(canvas.S(".square", n), canvas.S(".square")))
})

// later leaves it to one that begins in two seconds.
var _ = guest.Handle("later", func(_ *guest.Context, n int) (int, error) {
	c, later := canvas.S(".square", n), wire.Duration(2*time.Second)
	c.Call.Countdown = &later
	return 0, guest.Replace(c)
})

// long leaves it to one with a large result.
var _ = guest.Handle("long", func(_ *guest.Context, n int) (string, error) { return "", guest.Replace(canvas.S(".text", n)) })

// patience is over before what it waits for.
var _ = guest.Handle("patience", func(ctx *guest.Context, seconds float64) (string, error) {
	if r := ctx.Resume(); r != nil {
		return r.Runs[0].State, nil
	}
	later := wire.Duration(time.Hour)
	c := canvas.S(".square", 1)
	c.Call.Countdown = &later
	run, err := ctx.Spawn(c)
	if err != nil {
		return "", err
	}
	return "", guest.Await("x", guest.Runs(run), guest.After(time.Duration(seconds*float64(time.Second))))
})

// wrong asks for what cannot be, and for something that can.
var _ = guest.Handle("wrong", func(ctx *guest.Context, how string) (int, error) {
	if _, err := ctx.Spawn(canvas.S(".square", 1)); err != nil {
		return 0, err
	}
	var err error
	switch how {
	case "task":
		_, err = ctx.Spawn(canvas.S(".cube", 1))
	case "canvas":
		_, err = ctx.Spawn(canvas.Chain())
	case "many":
		_, err = ctx.Spawn(canvas.Map(canvas.S(".square"), make([]int, 600)))
	case "failure":
		err = errors.New("changed my mind")
	}
	return 1, err
})

// endless leaves its place to itself.
var _ = guest.Handle("endless", func(_ *guest.Context, _ any) (int, error) {
	return 0, guest.Replace(canvas.Chain(canvas.S(".endless")))
})

// again fails after its wait, and goes on there.
var _ = guest.Handle("again", func(ctx *guest.Context, _ any) (int, error) {
	r := ctx.Resume()
	if r == nil {
		return 0, guest.Await(ctx.Attempt(), guest.After(10*time.Millisecond))
	}
	var before int
	if err := r.Load(&before); err != nil || ctx.Attempt() < 3 {
		return 0, errors.New("not yet")
	}
	return 10*before + ctx.Attempt(), nil
})

func main() { guest.Main() }
`

func parents(t *testing.T, c *windrow.Client) {
	t.Helper()
	if _, _, err := c.PushModuleFile(t.Context(), "kids", buildGuest(t, parentSource, "-buildmode=c-shared")); err != nil {
		t.Fatal(err)
	}
}

func ask(task, input string) windrow.Call {
	return windrow.Call{Task: "kids." + task, Input: json.RawMessage(input)}
}

// TestChildrenPage runs the example of docs/children.md as it stands there, and
// looks for what it promises.
func TestChildrenPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/children.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```go\n")
	source, rest, _ := strings.Cut(rest, "```")
	_, rest, _ = strings.Cut(rest, "```console\n")
	promised, _, found := strings.Cut(rest, "```")
	lines := strings.Split(strings.TrimSpace(promised), "\n")
	if !found || len(lines) < 4 || len(lines)%2 != 0 {
		t.Fatalf("the page promises %q", promised)
	}
	c := testnode.Start(t).Client()
	if _, _, err := c.PushModuleFile(t.Context(), "sums", buildGuest(t, source, "-buildmode=c-shared")); err != nil {
		t.Fatal(err)
	}
	for ; len(lines) > 0; lines = lines[2:] {
		command, input, ok := strings.Cut(strings.TrimPrefix(lines[0], "$ windrow task run "), " --input ")
		if !ok {
			t.Fatalf("the page's command is %q", lines[0])
		}
		got, err := c.SubmitWait(t.Context(), windrow.Call{Task: command, Input: json.RawMessage(strings.Trim(input, "'"))})
		if err != nil || string(got.Result) != lines[1] {
			t.Errorf("%s: %+v, %v; the page promises %s", lines[0], got, err, lines[1])
		}
	}
}

// allRuns are the runs that a node knows.
func allRuns(t *testing.T, c *windrow.Client) (out []windrow.CanvasRun) {
	t.Helper()
	for r, err := range c.Runs(t.Context(), windrow.RunFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// TestChildren: tasks spawn others, wait for them without a slot, and go on with
// their results or leave them their place. One slot is enough for all of it.
func TestChildren(t *testing.T) {
	c := testnode.Start(t, "--concurrency", "1").Client()
	parents(t, c)
	run := func(call windrow.Call) *windrow.Task {
		t.Helper()
		got, err := c.SubmitWait(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	labelled := ask("squares", `{"From":0,"To":10}`)
	labelled.Labels = map[string]string{"team": "a"}
	got := run(labelled)
	if string(got.Result) != "[0,1,4,9,16,25,36,49,64,81]" || got.Attempt != 2 || got.Resumes != 1 {
		t.Errorf("squares: %s %+v, attempt %d, resumes %d", got.Result, got.Error, got.Attempt, got.Resumes)
	}
	if log := guestLog(t, c, got.ID); strings.Count(log, "msg=called attempt=1\n") != 1 || strings.Count(log, "msg=called attempt=2\n") != 1 {
		t.Errorf("the log is\n%s", log)
	}
	if all := allRuns(t, c); len(all) != 1 || all[0].Kind != "group" || all[0].State != wire.RunSuccess || all[0].Labels["team"] != "a" || all[0].Calls[0] != "kids.square" {
		t.Errorf("%+v", all)
	}
	for call, want := range map[string]string{
		"twice 3": "81", "texts 50000": "150000", "patience 0.1": `"running"`, `squares {"From":3,"To":3}`: "[]",
	} {
		task, input, _ := strings.Cut(call, " ")
		if got := run(ask(task, input)); string(got.Result) != want {
			t.Errorf("%s: %s %+v, want %s", call, got.Result, got.Error, want)
		}
	}
	if got := run(ask("long", "100000")); got.State != wire.StateSuccess || len(got.Result) != 100_002 {
		t.Errorf("a large result: %s, %d bytes, %+v", got.State, len(got.Result), got.Error)
	}
	if got := run(ask("twice", "-3")); got.State != wire.StateFailure || got.Error.Type != "dependency" || !strings.Contains(got.Error.Message, "negative: -3 is below zero") {
		t.Errorf("a replacement that fails: %+v", got.Error)
	}
	if got := run(ask("squares", `{"From":-1,"To":2}`)); got.State != wire.StateFailure || !strings.Contains(got.Error.Message, "negative: -1 is below zero") {
		t.Errorf("a child that fails: %+v", got.Error)
	}
	again := ask("again", "null")
	again.Retry = &windrow.Retry{Max: 5, Backoff: windrow.After(time.Millisecond)}
	if got := run(again); string(got.Result) != "13" || got.Attempt != 3 || got.Resumes != 1 {
		t.Errorf("again: %s %+v, attempt %d, resumes %d", got.Result, got.Error, got.Attempt, got.Resumes)
	}
}

// TestChildrenAllOrNone: what an attempt asks for begins with its acceptance, and
// with nothing else.
func TestChildrenAllOrNone(t *testing.T) {
	c := testnode.Start(t).Client()
	parents(t, c)
	for how, want := range map[string]string{
		"task": "task_not_found: ", "canvas": "invalid_canvas: chain", "many": "canvas_too_large: ", "failure": "error: changed my mind",
	} {
		got, err := c.SubmitWait(t.Context(), ask("wrong", fmt.Sprintf("%q", how)))
		if err != nil || got.State != wire.StateFailure || !strings.HasPrefix(got.Error.Type+": "+got.Error.Message, want) {
			t.Errorf("%s: %+v, %v", how, got, err)
		}
	}
	if all := allRuns(t, c); len(all) != 0 {
		t.Errorf("%d runs began", len(all))
	}
	if got, err := c.SubmitWait(t.Context(), ask("wrong", `""`)); err != nil || got.State != wire.StateSuccess || len(allRuns(t, c)) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestEndlessChildrenEnd: a task that spawns itself does so 16 deep.
func TestEndlessChildrenEnd(t *testing.T) {
	c := testnode.Start(t).Client()
	parents(t, c)
	got, err := c.SubmitWait(t.Context(), ask("endless", "null"))
	if err != nil || got.State != wire.StateFailure || got.Error.Type != "dependency" {
		t.Errorf("%+v, %v", got, err)
	}
	if all := allRuns(t, c); len(all) != 16 {
		t.Errorf("%d runs", len(all))
	}
	for task, err := range c.Tasks(t.Context(), windrow.TaskFilter{Task: "kids.endless"}) {
		if err != nil || task.State != wire.StateFailure {
			t.Errorf("%+v, %v", task, err)
		}
	}
}

// TestRevokeCancelsChildren: a task that waits takes with it what it waits for.
func TestRevokeCancelsChildren(t *testing.T) {
	c := testnode.Start(t).Client()
	parents(t, c)
	s, err := c.Submit(t.Context(), ask("patience", "3600"))
	if err != nil {
		t.Fatal(err)
	}
	waiting(t, c, s.ID)
	if _, err := c.Revoke(t.Context(), s.ID, false); err != nil {
		t.Fatal(err)
	}
	all := allRuns(t, c)
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	if r, err := c.WaitRun(t.Context(), all[0].ID); err != nil || r.State != wire.RunCancelled {
		t.Errorf("%+v, %v", r, err)
	}
	if got, err := c.Wait(t.Context(), s.ID); err != nil || got.State != wire.StateRevoked {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestChildrenOfARun: a run goes on when what its tasks have asked for has ended,
// and takes it with it when it is cancelled.
func TestChildrenOfARun(t *testing.T) {
	c := testnode.Start(t).Client()
	parents(t, c)
	got, err := c.CanvasWait(t.Context(), windrow.Chain(windrow.S("kids.twice", 2), windrow.S("kids.square"),
		windrow.Group(windrow.S("kids.twice"), windrow.Si("kids.squares", map[string]int{"From": 1, "To": 4}))))
	if err != nil {
		t.Fatal(err)
	}
	if want := "[4294967296,[1,4,9]]"; string(got.Result) != want {
		t.Errorf("%s %+v, want %s", got.Result, got.Error, want)
	}

	s, err := c.Canvas(t.Context(), windrow.Chain(windrow.S("kids.patience", 3600), windrow.S("kids.square")))
	if err != nil {
		t.Fatal(err)
	}
	testnode.Poll(t, "the run's task to wait", func() error {
		r, err := c.GetRun(t.Context(), s.ID)
		if err == nil && r.Tasks["chain-0"].State != wire.StateDeferred {
			err = fmt.Errorf("%+v", r.Tasks)
		}
		return err
	})
	if _, err := c.CancelRun(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	for _, r := range allRuns(t, c)[:2] {
		if r, err := c.WaitRun(t.Context(), r.ID); err != nil || r.State != wire.RunCancelled {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// waiting waits until a task is deferred.
func waiting(t *testing.T, c *windrow.Client, id string) {
	t.Helper()
	testnode.Poll(t, "the task to wait", func() error {
		got, err := c.Task(t.Context(), id)
		if err == nil && got.State != wire.StateDeferred {
			err = fmt.Errorf("it is %s: %+v", got.State, got.Error)
		}
		return err
	})
}

// TestChildrenSurviveAKill: tasks that wait outlive their node, and what they ask
// for runs once.
func TestChildrenSurviveAKill(t *testing.T) {
	n := testnode.Start(t)
	survive(t, n.Client(), func() { n.Kill(); n.Launch() })
}

// TestChildrenSurviveALeader: the next leader lets them go on, and decides how
// replaced ones end.
func TestChildrenSurviveALeader(t *testing.T) {
	cluster := testnode.NewCluster(t, 3)
	survive(t, cluster.Client(), func() { cluster.Leader().Kill() })
}

// survive has tasks wait while something is killed.
func survive(t *testing.T, c *windrow.Client, kill func()) {
	parents(t, c)
	want := map[string]string{}
	last := ""
	for i := range 5 {
		for call, result := range map[string]string{
			fmt.Sprintf(`squares {"From":%d,"To":%d,"Countdown":2}`, i, i+3): fmt.Sprintf("[%d,%d,%d]", i*i, (i+1)*(i+1), (i+2)*(i+2)),
			fmt.Sprintf("later %d", i):                                       fmt.Sprint(i * i),
		} {
			task, input, _ := strings.Cut(call, " ")
			s, err := c.Submit(t.Context(), ask(task, input))
			if err != nil {
				t.Fatal(err)
			}
			if want[s.ID] = result; task == "later" {
				last = s.ID
			}
		}
	}
	waiting(t, c, last)
	kill()
	for id, result := range want {
		got, err := c.Wait(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Result) != result {
			t.Errorf("%s: %s %s %+v, want %s", id, got.State, got.Result, got.Error, result)
		}
	}
	if all := allRuns(t, c); len(all) != len(want) {
		t.Errorf("%d runs for %d tasks", len(all), len(want))
	}
}
