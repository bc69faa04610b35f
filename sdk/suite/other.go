package suite

import (
	"bytes"
	"errors"
	"strings"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func (s *suite) modules() {
	t := s.T
	name := "suite-" + strings.ToLower(windrow.NewIdempotencyKey())
	first, created, err := s.c.PushModule(bounded(t), name, bytes.NewReader(Guest("echo")))
	if err != nil || !created || first.Version != 1 {
		t.Fatalf("first push: %+v, created %v, %v", first, created, err)
	}
	again, created, err := s.c.PushModule(bounded(t), name, bytes.NewReader(Guest("echo")))
	if err != nil || created || again.Version != 1 {
		t.Fatalf("the same bytes: %+v, created %v, %v", again, created, err)
	}
	second, created, err := s.c.PushModule(bounded(t), name, bytes.NewReader(Guest("logger")))
	if err != nil || !created || second.Version != 2 || second.Kind != "command" || second.Size != int64(len(Guest("logger"))) {
		t.Fatalf("other bytes: %+v, created %v, %v", second, created, err)
	}
	if versions := must[[]uint32](t)(s.c.ModuleVersions(bounded(t), name)); len(versions) != 2 {
		t.Errorf("versions %v", versions)
	}
	var wasm bytes.Buffer
	must[*windrow.Module](t)(s.c.DownloadModule(bounded(t), name, 1, &wasm))
	if !bytes.Equal(wasm.Bytes(), Guest("echo")) {
		t.Error("version 1 has other bytes than were pushed")
	}
	found := false
	for m, err := range s.c.Modules(bounded(t)) {
		if err != nil {
			t.Fatal(err)
		}
		found = found || m.Name == name && m.Version == 2
	}
	if !found {
		t.Error("the list lacks the module's newest version")
	}
	if err := s.c.RemoveModule(bounded(t), name, 1); err != nil {
		t.Fatal(err)
	}
	_, err = s.c.Module(bounded(t), name, 1)
	refused(t, err, 404, "")
	if err := s.c.RemoveModule(bounded(t), name, 0); err != nil {
		t.Fatal(err)
	}
	_, err = s.c.Module(bounded(t), name, 0)
	refused(t, err, 404, "")
}

func (s *suite) badModule() {
	t := s.T
	for name, wasm := range map[string]string{"empty": "", "text": "#!/bin/sh\nexit\n", "cut": string(Guest("echo")[:7])} {
		_, _, err := s.c.PushModule(bounded(t), "suite-bad", strings.NewReader(wasm))
		if err == nil {
			t.Fatalf("%s was accepted", name)
		}
		refused(t, err, 422, "")
	}
}

func (s *suite) moduleInUse() {
	t := s.T
	name := "suite-" + strings.ToLower(windrow.NewIdempotencyKey())
	if _, _, err := s.c.PushModule(bounded(t), name, bytes.NewReader(Guest("echo"))); err != nil {
		t.Fatal(err)
	}
	id := s.submit(windrow.Call{Task: name + ".main", Countdown: windrow.After(time.Hour)})
	refused(t, s.c.RemoveModule(bounded(t), name, 0), 409, wire.CodeModuleInUse)
	must[*windrow.Submitted](t)(s.c.Revoke(bounded(t), id, false))
	if err := s.c.RemoveModule(bounded(t), name, 0); err != nil {
		t.Error(err)
	}
}

func (s *suite) notFound() {
	t := s.T
	ctx := bounded(t)
	_, err := s.c.Task(ctx, "01890a5d-ac96-774b-bcce-b302099a8057")
	refused(t, err, 404, wire.CodeNotFound)
	_, err = s.c.Submit(ctx, windrow.Call{Task: "suite-nothing.main"})
	refused(t, err, 404, wire.CodeModuleNotFound)
	_, err = s.c.Submit(ctx, windrow.Call{Task: "suite-echo.nothing"})
	refused(t, err, 404, wire.CodeTaskNotFound)
	_, err = s.c.Pool(ctx, "suite-nothing")
	refused(t, err, 404, wire.CodePoolNotFound)
	_, err = s.c.Module(ctx, "suite-nothing", 0)
	refused(t, err, 404, wire.CodeModuleNotFound)
	if !windrow.IsNotFound(err) {
		t.Error("IsNotFound does not see it")
	}
}

func (s *suite) wrongField() {
	t := s.T
	_, err := s.c.Submit(bounded(t), windrow.Call{Task: "suite-echo.main", Priority: new(12)})
	refused(t, err, 400, wire.CodeInvalidField)
	if e, _ := errors.AsType[*windrow.APIError](err); e.Field != "priority" {
		t.Errorf("the refusal names field %q", e.Field)
	}
}

func (s *suite) queues() {
	t := s.T
	queue := "suite-" + strings.ToLower(windrow.NewIdempotencyKey())
	ctx := bounded(t)
	if q := must[*windrow.Queue](t)(s.c.PauseQueue(ctx, queue)); !q.Paused {
		t.Fatalf("paused: %+v", q)
	}
	id := s.submit(windrow.Call{Task: "suite-echo.main", Queue: queue})
	s.submit(windrow.Call{Task: "suite-echo.main", Queue: queue, Countdown: windrow.After(time.Hour)})
	if q := must[*windrow.Queue](t)(s.c.Queue(ctx, queue)); q.Pending != 1 || q.Scheduled != 1 || q.Running != 0 {
		t.Errorf("a paused queue holds %+v", q)
	}
	if task := must[*windrow.Task](t)(s.c.Task(ctx, id)); task.State != wire.StatePending {
		t.Errorf("a task of a paused queue is %s", task.State)
	}
	must[*windrow.Queue](t)(s.c.ResumeQueue(ctx, queue))
	must[*windrow.Task](t)(s.c.Wait(ctx, id))
	must[*windrow.Queue](t)(s.c.PurgeQueue(ctx, queue))
	if q := must[*windrow.Queue](t)(s.c.Queue(ctx, queue)); q.Pending+q.Scheduled != 0 || q.Paused {
		t.Errorf("a purged queue holds %+v", q)
	}
	set := must[*windrow.Queue](t)(s.c.SetQueue(ctx, queue, windrow.QueueSettings{RateLimit: new("100/m")}))
	if set.RateLimit == nil || set.RateLimit.String() != "100/m" {
		t.Errorf("rate limit %v", set.RateLimit)
	}
	lifted := must[*windrow.Queue](t)(s.c.SetQueue(ctx, queue, windrow.QueueSettings{RateLimit: new("")}))
	if lifted.RateLimit != nil {
		t.Errorf("the limit %v was not lifted", lifted.RateLimit)
	}
	short, usual := windrow.After(time.Hour), windrow.After(0)
	set = must[*windrow.Queue](t)(s.c.SetQueue(ctx, queue, windrow.QueueSettings{DeadLetterTTL: short}))
	reset := must[*windrow.Queue](t)(s.c.SetQueue(ctx, queue, windrow.QueueSettings{DeadLetterTTL: usual}))
	if set.DeadLetterTTL != *short || reset.DeadLetterTTL.Std() != 7*24*time.Hour {
		t.Errorf("dead letters stay %s, then %s", set.DeadLetterTTL, reset.DeadLetterTTL)
	}
	if dead := must[[]windrow.Task](t)(windrow.Collect(s.c.DeadLetters(ctx, queue), 0)); len(dead) != 0 {
		t.Errorf("%d dead letters", len(dead))
	}
	all := must[[]windrow.Queue](t)(windrow.Collect(s.c.Queues(ctx), 0))
	for _, q := range all {
		if q.Name == queue {
			return
		}
	}
	t.Errorf("the list of queues lacks %s", queue)
}

func (s *suite) pools() {
	t := s.T
	pool := "suite-" + strings.ToLower(windrow.NewIdempotencyKey())
	ctx := bounded(t)
	if p := must[*windrow.Pool](t)(s.c.SetPool(ctx, pool, 2)); p.Slots != 2 || p.Used != 0 {
		t.Fatalf("made %+v", p)
	}
	must[*windrow.Pool](t)(s.c.SetPool(ctx, pool, 5))
	if p := must[*windrow.Pool](t)(s.c.Pool(ctx, pool)); p.Slots != 5 {
		t.Errorf("changed %+v", p)
	}
	if err := s.c.RemovePool(ctx, pool); err != nil {
		t.Fatal(err)
	}
	_, err := s.c.Pool(ctx, pool)
	refused(t, err, 404, wire.CodePoolNotFound)
}

func (s *suite) cluster() {
	t := s.T
	c := must[*windrow.Cluster](t)(s.c.Cluster(bounded(t)))
	leader := false
	for _, n := range c.Nodes {
		leader = leader || n.ID == c.Leader && n.State == "leader" && n.HTTPAddr != ""
	}
	if !leader {
		t.Errorf("the leader %q is not among %+v", c.Leader, c.Nodes)
	}
	workers := must[[]windrow.Worker](t)(windrow.Collect(s.c.Workers(bounded(t)), 0))
	if len(workers) == 0 {
		t.Error("a cluster that runs tasks has a worker")
	}
}
