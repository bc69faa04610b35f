package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// TestFullDisk fills the disk under a node: first new work is refused while
// what was taken goes on, then nothing can be written, and then there is space
// again.
func TestFullDisk(t *testing.T) {
	d := testnode.NewDisk(t, 2048)
	n := d.Node()
	n.Start()
	cl := n.Client()
	testnode.Push(t, cl, guests.Echo, guests.Sleep)
	l := testnode.NewLoad(t, 8, 200, func(int) *windrow.Client { return cl })
	l.Start()
	l.Wait()
	running := enlist(t, cl, 4, sleepFor(500))
	waiting := enlist(t, cl, 20, windrow.Call{Task: "sleep.main", Countdown: windrow.After(time.Second)})

	d.Fill(300 << 20)
	call := func() *testnode.Answer {
		return n.Do("POST", "/v1/tasks", strings.NewReader(`{"task":"echo.main"}`), "Content-Type: application/json")
	}
	testnode.Poll(t, "new work to be refused", func() error { // it looks now and then
		if a := call(); a.Status != 507 {
			return fmt.Errorf("answer %d %s", a.Status, a.Body)
		}
		return nil
	})
	l.Others = true // what was taken until then
	refused(t, call(), 507, "disk_full")
	refused(t, n.Do("PUT", "/v1/modules/more", strings.NewReader(string(guests.Wasm(guests.Fail))), "Content-Type: application/wasm"), 507, "disk_full")
	running.until("what ran to end on a disk that is low", succeeded)
	waiting.until("what waited to end on a disk that is low", succeeded)
	l.Check(cl)
	if _, err := cl.Revoke(t.Context(), waiting.ids[0], true); !windrow.HasCode(err, "already_ended") {
		t.Errorf("revoke on a low disk: %v", err)
	}

	d.Fill(0)
	l.Check(cl)
	refused(t, call(), 507, "disk_full")
	if !n.Running() {
		t.Fatalf("a full disk ended the node:\n%s", n.Log())
	}

	d.Free()
	began := time.Now()
	var fresh *crew
	testnode.Poll(t, "new work to be taken again", func() error {
		ids, err := n.Impatient().SubmitBatch(context.Background(), []windrow.Call{sleepFor(1)})
		fresh = &crew{t: t, c: cl, ids: ids}
		return err
	})
	fresh.until("it to run", succeeded)
	t.Logf("new work was taken and run %v after there was space", time.Since(began).Round(time.Millisecond))
	l.Check(cl)

	// The same with a node that is killed on a full disk.
	more := enlist(t, cl, 50, windrow.Call{Task: "sleep.main", Countdown: windrow.After(time.Hour)})
	d.Fill(0)
	n.Kill()
	n.Launch()
	if code, ended := n.ReadyOrEnd(); ended {
		t.Logf("on a full disk it ends with %d: %s", code, n.Log())
		if code != 1 || !strings.Contains(n.Log(), "space") {
			t.Errorf("it does not say that there is no space: %s", n.Log())
		}
		d.Free()
		n.Start()
	} else {
		d.Free()
	}
	l.Check(cl)
	more.until("what was acknowledged before", func(task *windrow.Task) bool { return task.State == "pending" })
}

// TestPowerLoss cuts the power of a node's disk while clients submit: what was
// acknowledged before is there.
func TestPowerLoss(t *testing.T) {
	d := testnode.NewDisk(t, 2048)
	n := d.Node()
	n.Start()
	testnode.Push(t, n.Client(), guests.Echo)
	cuts := size(3, 50)
	l := testnode.NewLoad(t, 16, size(1500, 50_000), func(int) *windrow.Client { return n.Client() })
	l.Start()
	for cut, at := range moments(l.Total*3/4, cuts) {
		l.WaitAcked(at)
		acked := l.IDs()
		n.Pause() // so that the copy is of one moment
		after := d.CutPower()
		n.Resume()
		again := after.Node()
		again.Start()
		cl := again.Client()
		for id, number := range acked {
			task, err := cl.Task(context.Background(), id)
			if err != nil || string(task.Input) != fmt.Sprintf(`{"n":%d}`, number) {
				t.Fatalf("cut %d: of %d acknowledged tasks number %d is %+v, %v", cut, len(acked), number, task, err)
			}
		}
		for id := range acked {
			if task, err := cl.Wait(context.Background(), id); err != nil || task.State != "success" {
				t.Fatalf("cut %d: %+v, %v", cut, task, err)
			}
		}
		t.Logf("cut %d: %d acknowledged tasks are there, and ended", cut, len(acked))
		again.Kill()
	}
	l.Wait()
	l.Check(n.Client())
}
