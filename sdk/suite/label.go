package suite

import (
	"slices"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func (s *suite) labels() {
	t := s.T
	ctx := bounded(t)
	mark := windrow.NewIdempotencyKey()
	later := new(wire.Duration(3600e9))
	var ids []string
	for _, size := range []string{"small", "small", "large"} {
		made := must[*windrow.Submitted](t)(s.c.Submit(ctx, windrow.Call{Task: "suite-echo.main", Countdown: later, Labels: map[string]string{"mark": mark, "size": size}}))
		ids = append(ids, made.ID)
	}
	slices.Sort(ids[:2]) // ids of one millisecond need not grow; the two are alike
	listed := func(labels map[string]string) []string {
		var found []string
		for _, task := range must[[]windrow.Task](t)(windrow.Collect(s.c.Tasks(bounded(t), windrow.TaskFilter{Labels: labels}), 0)) {
			found = append(found, task.ID)
		}
		slices.Sort(found)
		return found
	}
	if got, all := listed(map[string]string{"mark": mark}), slices.Sorted(slices.Values(ids)); !slices.Equal(got, all) {
		t.Errorf("with the label there are %v, not %v", got, all)
	}
	small := map[string]string{"mark": mark, "size": "small"}
	if got := listed(small); !slices.Equal(got, ids[:2]) {
		t.Errorf("with both labels there are %v, not %v", got, ids[:2])
	}
	if n := must[int](t)(s.c.RevokeAll(ctx, windrow.RevokeMany{Labels: small})); n != 2 {
		t.Errorf("%d tasks were revoked", n)
	}
	for i, want := range []string{wire.StateRevoked, wire.StateRevoked, wire.StatePending} {
		if got := must[*windrow.Task](t)(s.c.Task(ctx, ids[i])); got.State != want {
			t.Errorf("task %d is %s, want %s", i, got.State, want)
		}
	}
	must[int](t)(s.c.RevokeAll(ctx, windrow.RevokeMany{Labels: map[string]string{"mark": mark}, Task: "suite-echo.main", States: []string{wire.StatePending}}))
	if got := must[*windrow.Task](t)(s.c.Task(ctx, ids[2])); got.State != wire.StateRevoked {
		t.Errorf("the last one is %s", got.State)
	}
	_, err := s.c.RevokeAll(ctx, windrow.RevokeMany{})
	refused(t, err, 400, wire.CodeInvalidField)
}
