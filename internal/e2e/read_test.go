package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// progress orders a task's states: none is seen again once a later one was.
var progress = map[string]int{"pending": 1, "received": 2, "started": 2, "success": 3}

// TestReadsNeverGoBack submits at one server and reads at the others, with no
// word of an index: what was acknowledged is there at once, and no state is
// older than one seen before, whoever is asked.
func TestReadsNeverGoBack(t *testing.T) {
	c := testnode.NewCluster(t, 3)
	testnode.Push(t, c.Client(), guests.Sleep)
	var work sync.WaitGroup
	for worker := range 4 {
		work.Go(func() {
			for round := range size(60, 3000) {
				at := c.Nodes[(worker+round)%3]
				a := at.Do("POST", "/v1/tasks", strings.NewReader(`{"task":"sleep.main","input":1}`), "Content-Type: application/json")
				var s wire.Submitted
				if err := json.Unmarshal(a.Body, &s); err != nil || a.Status != 202 {
					t.Errorf("answer %d %s", a.Status, a.Body)
					return
				}
				seen := 0
				for seen < 3 {
					asked := c.Nodes[rand.IntN(3)]
					a := asked.Do("GET", "/v1/tasks/"+s.ID, nil)
					var task wire.Task
					if err := json.Unmarshal(a.Body, &task); err != nil || a.Status != 200 {
						t.Errorf("acknowledged by %s, at %s: %d %s", c.ID(at), c.ID(asked), a.Status, a.Body)
						return
					}
					if now := progress[task.State]; now < seen || now == 0 {
						t.Errorf("%s says %s of a task that was further before", c.ID(asked), task.State)
						return
					} else if seen = now; seen == 3 && string(task.Result) != "1" {
						t.Errorf("result %s", task.Result)
					}
				}
			}
		})
	}
	work.Wait()
}

// TestUnknownOutcomes submits without any key while leaders are killed: what
// was acknowledged is there once, what was refused is not there, and only what
// is said to be unknown may be either.
func TestUnknownOutcomes(t *testing.T) {
	c := testnode.NewCluster(t, 3)
	testnode.Push(t, c.Client(), guests.Echo)
	var mu sync.Mutex
	outcome := map[string]string{} // by input
	stop := make(chan struct{})
	var work sync.WaitGroup
	for worker := range 12 {
		work.Go(func() {
			for round := 0; ; round++ {
				select {
				case <-stop:
					return
				default:
				}
				input := fmt.Sprintf("%d-%d", worker, round)
				what := submitOnce(c.Nodes[(worker+round)%3], input)
				mu.Lock()
				outcome[input] = what
				mu.Unlock()
			}
		})
	}
	count := func(what string) (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, o := range outcome {
			if o == what {
				n++
			}
		}
		return n
	}
	for range size(3, 60) {
		before := count(acknowledged)
		testnode.Poll(t, "acknowledgements", func() error {
			if n := count(acknowledged); n < before+150 {
				return fmt.Errorf("%d", n)
			}
			return nil
		})
		leader := c.Leader()
		leader.Kill()
		leader.Start()
	}
	close(stop)
	work.Wait()
	c.WaitCaughtUp(c.Nodes[0]) // a list is of what the asked node has applied
	found := map[string]int{}
	cl := c.Client()
	for listed, err := range cl.Tasks(context.Background(), windrow.TaskFilter{PageSize: 1000}) {
		if err != nil {
			t.Fatal(err)
		}
		task, err := cl.Task(context.Background(), listed.ID)
		if err != nil {
			t.Fatal(err)
		}
		var input string
		if err := json.Unmarshal(task.Input, &input); err != nil {
			t.Fatal(err)
		}
		found[input]++
	}
	there := 0
	for input, what := range outcome {
		n := found[input]
		if what == acknowledged && n != 1 || what == notDone && n != 0 || n > 1 {
			t.Errorf("%s was %s and is there %d times", input, what, n)
		}
		switch what {
		case unknown:
			there += n
		case acknowledged, notDone, unanswered:
		default:
			t.Errorf("%s was %s", input, what)
		}
	}
	t.Logf("%d acknowledged, %d not done, %d not answered, %d said to be unknown, of which %d are there",
		count(acknowledged), count(notDone), count(unanswered), count(unknown), there)
}

// What a client knows of one submission.
const (
	acknowledged = "acknowledged"
	notDone      = "refused as not done"
	unknown      = "of unknown outcome"
	unanswered   = "not answered"
)

// submitOnce sends one call, once.
func submitOnce(n *testnode.Node, input string) string {
	a, err := n.Try("POST", "/v1/tasks", strings.NewReader(fmt.Sprintf(`{"task":"echo.main","input":%q}`, input)), "Content-Type: application/json")
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return notDone
	case err != nil:
		return unanswered
	case a.Problem.Code == wire.CodeUnknownOutcome:
		return unknown
	case a.Status == 202:
		return acknowledged
	case a.Status == 503 && a.Problem.Code == wire.CodeNoLeader:
		return notDone
	}
	return fmt.Sprintf("answered %d %s", a.Status, a.Body)
}
