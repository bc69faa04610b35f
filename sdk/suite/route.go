package suite

import (
	"strings"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func (s *suite) routes() {
	t := s.T
	ctx := bounded(t)
	before := must[[]windrow.Route](t)(s.c.Routes(ctx))
	defer func() {
		if _, err := s.c.SetRoutes(bounded(t), before); err != nil {
			t.Error(err)
		}
	}()
	queue := "suite-" + strings.ToLower(windrow.NewIdempotencyKey())
	set := must[[]windrow.Route](t)(s.c.SetRoutes(ctx, []windrow.Route{
		{Match: "suite-ech?.m*", Queue: queue, Priority: new(8)},
		{Match: "suite-echo.*", Queue: "never"},
	}))
	if got := must[[]windrow.Route](t)(s.c.Routes(ctx)); len(set) != 2 || len(got) != 2 || got[0].Match != "suite-ech?.m*" || got[0].Queue != queue {
		t.Fatalf("set %+v, then %+v", set, got)
	}
	made := must[*windrow.Submitted](t)(s.c.Submit(ctx, windrow.Call{Task: "suite-echo.main"}))
	if got := must[*windrow.Task](t)(s.c.Task(ctx, made.ID)); got.Queue != queue || got.Priority != 8 {
		t.Errorf("it stands in %s with priority %d", got.Queue, got.Priority)
	}
	made = must[*windrow.Submitted](t)(s.c.Submit(ctx, windrow.Call{Task: "suite-echo.main", Queue: "default"}))
	if got := must[*windrow.Task](t)(s.c.Task(ctx, made.ID)); got.Queue != "default" || got.Priority != 8 {
		t.Errorf("a call that names its queue stands in %s with priority %d", got.Queue, got.Priority)
	}
	_, err := s.c.SetRoutes(ctx, []windrow.Route{{Match: "[", Queue: "x"}})
	refused(t, err, 400, wire.CodeInvalidField)
}
