package state

import (
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// A task that spawns itself does so sixteen deep, and no deeper: also on a
// machine that is loaded at each step.
func TestTasksSpawnOneAnotherSoDeep(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	a := r.submit(1, nil).Effects.Assigned
	for n := byte(1); n <= maxDepth; n++ {
		x := r.do(&command.Complete{Session: s, Results: []command.TaskResult{{ID: a[0].ID, Fence: a[0].Fence,
			Runs: []command.NewRun{childRun(n, 1, "mod")}, Outcome: done("1")}}})
		if a = x.Effects.Assigned; len(a) != 1 || a[0].ID != childID(n).Plus(1) {
			t.Fatalf("%d deep: %+v", n, a)
		}
		r.reload()
	}
	x := r.do(&command.Complete{Session: s, Results: []command.TaskResult{{ID: a[0].ID, Fence: a[0].Fence,
		Runs: []command.NewRun{childRun(maxDepth+1, 1, "mod")}, Outcome: done("1")}}})
	v, _, err := DecodeTask(r.sink[string(FinishedKey(0, a[0].ID))])
	if err != nil || len(x.Effects.Assigned) != 0 || v.State != queue.Failure || v.Error.Type != errTooDeep || len(r.m.Runs()) != 0 {
		t.Errorf("one deeper: %+v, %v", v, err)
	}
}

// A task that polls as fast as it can waits a little longer each time.
func TestPollingTakesItsTime(t *testing.T) {
	ended := childRun(2, 0, "mod") // of nothing: over at once
	for name, c := range map[string]struct {
		wait queue.Deferral
		runs bool
		most int64
	}{
		"a nanosecond":       {queue.Deferral{After: 1}, false, pauseUnit << maxDoublings},
		"nothing":            {queue.Deferral{Wait: []queue.ID{childID(1)}}, false, pauseUnit << maxDoublings},
		"a run of nothing":   {queue.Deferral{}, true, maxRunPause},
		"longer than it has": {queue.Deferral{After: 60e9}, false, 60e9},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := r.worker("w", 1)
			a := r.submit(1, nil).Effects.Assigned
			last := int64(0)
			for n := range uint32(30) {
				var runs []command.NewRun
				if c.runs {
					run := ended
					run.ID = childID(byte(n + 1))
					runs = append(runs, run)
				}
				began := r.now
				a = r.defers(s, a[0], c.wait, runs...).Effects.Assigned
				r.reload()
				a = append(a, r.do(&command.Continue{}).Effects.Assigned...)
				if len(a) == 0 {
					due, ok := r.m.Due()
					if !ok || due <= r.now {
						t.Fatalf("after %d resumes nothing is due: %d", n, due)
					}
					r.now = due
					a = r.do(&command.Continue{}).Effects.Assigned
				}
				if len(a) != 1 {
					t.Fatalf("after %d resumes it does not go on", n)
				}
				pause := r.now - began
				if n >= freeResumes && pause < 2*pauseUnit || n < freeResumes && pause > max(c.wait.After, 0) || pause < last && last != pause {
					t.Errorf("pause %d took %d, the one before %d", n+1, pause, last)
				}
				last = pause
			}
			if last != c.most {
				t.Errorf("the last pause took %d, want %d", last, c.most)
			}
		})
	}
}
