package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

const (
	idA = "01a20fe4-12b2-7d1b-8009-0f2af43be450"
	idB = "01a20fe4-12ac-7dbd-8d48-a22f9ee00711"
)

// house is a cluster in the middle of its work, with a guest's error message
// that tries to paint the reader's terminal.
func house() canned {
	per := wire.Rate{N: 100, Per: time.Minute}
	done := wire.Task{ID: idA, Task: "sums.main", Module: "sums", Version: 3, Queue: "default", Priority: 5, State: wire.StateSuccess,
		Attempt: 1, Delivery: 1, CreatedAt: before(time.Minute), StartedAt: before(59 * time.Second), FinishedAt: before(58*time.Second - 250*time.Millisecond)}
	failed := wire.Task{ID: idB, Task: "mail.render", Module: "mail", Version: 1, Queue: "mail", Priority: 9, State: wire.StateFailure,
		Attempt: 3, Delivery: 3, CreatedAt: before(50 * time.Hour), StartedAt: before(49 * time.Hour), FinishedAt: before(49*time.Hour - 90*time.Second),
		Error: &wire.Error{Type: "exit_code", Message: "\x1b[31mno such\ntemplate\x1b[0m", ExitCode: 2}}
	detail := failed
	detail.Args = json.RawMessage(`["Ada"]`)
	detail.Kwargs = json.RawMessage(`{"draft":true}`)
	detail.Labels = map[string]string{"tenant": "b", "course": "a"}
	detail.Usage = &wire.Usage{WallMS: 90000, CPUMS: 12.5, MemoryBytes: 3 << 20}
	detail.Worker, detail.LogBytes = "node-2", 4096
	detail.Attempts = []wire.Attempt{
		{Number: 1, FinishedAt: before(50 * time.Hour), Error: &wire.Error{Type: "timeout", Message: "killed after 30s"}},
		{Number: 2, FinishedAt: before(49*time.Hour + 30*time.Minute), Error: &wire.Error{Type: "exit_code", ExitCode: 1}},
		{Number: 3, FinishedAt: before(49 * time.Hour), Error: detail.Error}}
	waiting := wire.Task{ID: idA, Task: "sums.main", Version: 3, Queue: "default", Priority: 5, State: wire.StatePending, WaitsFor: "pool database",
		Pool: "database", CreatedAt: before(time.Second), ReadyAt: wire.Time{Time: noon.Add(2 * time.Hour)}, Input: json.RawMessage(`[1,2]`)}
	module := wire.Module{Name: "mail", Version: 2, Digest: "sha256:23b403fd", Size: 722, Kind: "reactor", CreatedAt: before(3 * time.Minute),
		Tasks: []wire.ModuleTask{{Name: "render", Description: "fills a template\nwith \x1b[31mone recipient"}, {Name: "send"}}, Workflows: []wire.ModuleWorkflow{{Name: "digest"}},
		Language: "Go", Toolchain: "Go cmd/compile go1.26.8", Features: []string{"bulk-memory"}, MemoryMin: 1 << 20, Live: 4, Versions: []uint32{1, 2}}
	return canned{
		"GET /v1/tasks?limit=51":                       list(done, failed),
		"GET /v1/tasks?limit=51&state=failure%2Cretry": list(failed),
		"GET /v1/tasks?limit=2":                        wire.List[wire.Task]{Items: []wire.Task{done, failed}, NextCursor: "x"},
		"GET /v1/tasks?limit=51&queue=none":            list[wire.Task](),
		"GET /v1/tasks/" + idB:                         detail,
		"GET /v1/tasks/" + idA:                         waiting,
		"GET /v1/tasks/" + idB + "/logs":               "started\n\x1b]0;owned\x07stopped\n",
		"POST /v1/tasks/" + idA + "/revoke":            wire.Submitted{ID: idA, State: wire.StateRevoked},
		"POST /v1/tasks/" + idB + "/revoke":            &wire.Problem{Status: 409, Code: wire.CodeAlreadyEnded, Title: "It has ended already", Detail: "task " + idB + " has ended with failure already; there is nothing to revoke"},
		"GET /v1/modules":                              list(module, wire.Module{Name: "sums", Version: 3, Kind: "command", Size: 5 << 20, Tasks: []wire.ModuleTask{{Name: "main"}}, CreatedAt: before(26 * time.Hour)}),
		"GET /v1/modules/mail":                         module,
		"GET /v1/modules/none":                         &wire.Problem{Status: 404, Code: wire.CodeModuleNotFound, Title: "The module does not exist", Detail: `no module "none" is in namespace "default"`},
		"DELETE /v1/modules/mail?version=1":            nil,
		"DELETE /v1/modules/mail":                      &wire.Problem{Status: 409, Code: wire.CodeModuleInUse, Title: "The module is in use", Detail: "4 unfinished tasks need it"},
		"GET /v1/queues":                               list(wire.Queue{Name: "default", Pending: 12034, Scheduled: 3, Running: 8, OldestSeconds: 75.5}, wire.Queue{Name: "mail", Paused: true, Dead: 2, RateLimit: &per}),
		"GET /v1/queues/mail":                          wire.Queue{Name: "mail", Paused: true, Dead: 2, RateLimit: &per},
		"POST /v1/queues/mail/pause":                   wire.Queue{Name: "mail", Pending: 4, Paused: true},
		"POST /v1/queues/mail/resume":                  wire.Queue{Name: "mail", Pending: 4},
		"POST /v1/queues/mail/purge":                   wire.Queue{Name: "mail", Running: 1},
		"PUT /v1/queues/mail":                          wire.Queue{Name: "mail", RateLimit: &per},
		"GET /v1/queues/mail/dead":                     list(wire.Task{ID: idB, Task: "mail.render", Delivery: 3, CreatedAt: before(time.Hour), FinishedAt: before(time.Minute), Error: &wire.Error{Type: "worker_lost", Message: "three workers were lost"}}),
		"POST /v1/queues/mail/dead/replay":             wire.Replayed{IDs: []string{idB}, Replayed: []string{idA}},
		"GET /v1/pools":                                list(wire.Pool{Name: "database", Slots: 8, Used: 8, Waiting: 120}),
		"GET /v1/pools/database":                       wire.Pool{Name: "database", Slots: 8, Used: 8, Waiting: 120},
		"PUT /v1/pools/database":                       wire.Pool{Name: "database", Slots: 9, Used: 8},
		"DELETE /v1/pools/database":                    nil,
		"GET /v1/workers/node-2":                       wire.Worker{ID: "node-2", Session: "7.0", Queues: []string{}, Labels: []string{"zone=b"}, Concurrency: 3, Limit: 3, Outstanding: 2, State: "ready", ConnectedAt: before(time.Hour)},
		"POST /v1/workers/node-2/drain":                wire.Worker{ID: "node-2", Outstanding: 2, Drained: true, State: "draining"},
		"POST /v1/workers/node-2/concurrency":          wire.Worker{ID: "node-2", Outstanding: 2, Concurrency: 3, Limit: 3, State: "ready"},
		"GET /v1/routes":                               wire.Routes{Routes: []wire.Route{{Match: "etl.*", Queue: "heavy", Priority: new(3)}}},
		"PUT /v1/routes":                               wire.Routes{Routes: []wire.Route{{Match: "etl.ping", Queue: "fast"}, {Match: "etl.*", Queue: "heavy", Priority: new(3), Timeout: new(wire.Duration(90e9))}}},
		"GET /v1/schedules":                            list(nightly(), wire.Schedule{Name: "poll", Definition: json.RawMessage(`{"every":"15m","canvas":{"chain":[]}}`), Paused: true, Missed: 3}),
		"GET /v1/schedules/nightly":                    nightly(),
		"PUT /v1/schedules/nightly?dry_run=true":       nightly(),
		"PUT /v1/schedules/nightly":                    nightly(),
		"POST /v1/schedules/nightly/pause":             wire.Schedule{Name: "nightly", Paused: true},
		"POST /v1/schedules/nightly/resume":            nightly(),
		"POST /v1/schedules/nightly/trigger":           wire.Started{ID: idA, Kind: "task", State: "running"},
		"DELETE /v1/schedules/nightly":                 nil,
		"GET /v1/cluster":                              cluster(),
		"POST /v1/cluster/join":                        cluster(),
		"POST /v1/cluster/transfer":                    cluster(),
		"DELETE /v1/cluster/nodes/node-3":              nil,
		"GET /v1/workers":                              list(wire.Worker{ID: "node-1", Concurrency: 8, Outstanding: 3, State: "ready", ConnectedAt: before(3 * time.Hour)}, wire.Worker{ID: "node-2", Queues: []string{"mail"}, Labels: []string{"gpu=yes"}, Concurrency: 4, State: "draining", ConnectedAt: before(5 * time.Second)}),
	}
}

func cluster() wire.Cluster {
	return wire.Cluster{Leader: "node-1", Term: 7, Index: 4711, Node: "node-2", Nodes: []wire.Node{
		{ID: "node-1", Role: "all", State: "leader", Voter: true, HTTPAddr: "10.0.0.1:8080", RaftAddr: "10.0.0.1:8090", Version: "0.1.0", Index: 4711},
		{ID: "node-2", Role: "all", State: "follower", Voter: true, HTTPAddr: "10.0.0.2:8080", RaftAddr: "10.0.0.2:8090", Version: "0.1.0", Index: 4710},
		{ID: "node-3", Role: "server", State: "unreachable", HTTPAddr: "10.0.0.3:8080", RaftAddr: "10.0.0.3:8090"}}}
}

func nightly() wire.Schedule {
	return wire.Schedule{Name: "nightly", Version: 3, Definition: json.RawMessage(`{"cron":"0 2 * * *","timezone":"Europe/Berlin","task":"mail.render","args":["\u001b[31m"]}`),
		NextFires: []wire.Time{before(-13 * time.Hour), before(-37 * time.Hour)}, LastTick: before(11 * time.Hour), LastRun: idB,
		Fired: 40, Skipped: 2, Missed: 1, Failed: 1, LastError: "module_not_found: module \x1b[31m is not in namespace", UpdatedAt: before(50 * time.Hour)}
}

func TestGolden(t *testing.T) {
	house().serve(t)
	for _, c := range []struct {
		name string
		args []string
	}{
		{"task-list", []string{"task", "list"}},
		{"task-list-json", []string{"task", "list", "-o", "json"}},
		{"task-list-states", []string{"task", "list", "--state", "failure", "--state", "retry"}},
		{"task-list-more", []string{"task", "list", "--limit", "1"}},
		{"task-list-empty", []string{"task", "list", "--queue", "none"}},
		{"task-list-empty-json", []string{"task", "list", "--queue", "none", "-o", "json"}},
		{"task-get", []string{"task", "get", idB}},
		{"task-get-waiting", []string{"task", "get", idA}},
		{"task-get-json", []string{"task", "get", idA, "-o", "json"}},
		{"task-logs", []string{"task", "logs", idB}},
		{"task-revoke", []string{"task", "revoke", idA}},
		{"task-revoke-ended", []string{"task", "revoke", idB, idA}},
		{"module-list", []string{"module", "list"}},
		{"module-show", []string{"module", "show", "mail"}},
		{"module-show-none", []string{"module", "show", "none"}},
		{"module-remove", []string{"module", "remove", "mail", "--version", "1"}},
		{"module-remove-json", []string{"module", "remove", "mail", "--version", "1", "-o", "json"}},
		{"module-remove-in-use", []string{"module", "remove", "mail"}},
		{"queue-list", []string{"queue", "list"}},
		{"queue-show", []string{"queue", "show", "mail"}},
		{"queue-pause", []string{"queue", "pause", "mail"}},
		{"queue-resume", []string{"queue", "resume", "mail"}},
		{"queue-purge", []string{"queue", "purge", "mail"}},
		{"queue-set", []string{"queue", "set", "mail", "--rate-limit", "100/m"}},
		{"queue-dead", []string{"queue", "dead", "mail"}},
		{"queue-replay", []string{"queue", "replay", "mail", "--all"}},
		{"pool-list", []string{"pool", "list"}},
		{"pool-show", []string{"pool", "show", "database"}},
		{"pool-set", []string{"pool", "set", "database", "--slots", "9"}},
		{"pool-remove", []string{"pool", "remove", "database"}},
		{"worker-show", []string{"worker", "show", "node-2"}},
		{"worker-drain", []string{"worker", "drain", "node-2"}},
		{"worker-concurrency", []string{"worker", "concurrency", "node-2", "3"}},
		{"route-set", []string{"route", "set", "etl.*", "--queue", "heavy", "--priority", "3", "--timeout", "90s"}},
		{"route-first", []string{"route", "set", "etl.ping", "--queue", "fast", "--first"}},
		{"route-list-json", []string{"route", "list", "-o", "json"}},
		{"route-remove", []string{"route", "remove", "etl.*"}},
		{"cluster-status", []string{"cluster", "status"}},
		{"cluster-status-json", []string{"cluster", "status", "-o", "json"}},
		{"cluster-join", []string{"cluster", "join", "node-3", "--http-addr", "10.0.0.3:8080", "--raft-addr", "10.0.0.3:8090"}},
		{"cluster-transfer", []string{"cluster", "transfer", "node-1"}},
		{"cluster-remove", []string{"cluster", "remove", "node-3"}},
		{"cluster-workers", []string{"cluster", "workers"}},
		{"schedule-list", []string{"schedule", "list"}},
		{"schedule-show", []string{"schedule", "show", "nightly"}},
		{"schedule-put", []string{"schedule", "put", "nightly", "mail.render", "--cron", "0 2 * * *", "--timezone", "Europe/Berlin"}},
		{"schedule-dry", []string{"schedule", "put", "nightly", "mail.render", "--cron", "0 2 * * *", "--dry-run"}},
		{"schedule-neither", []string{"schedule", "put", "nightly", "--cron", "0 2 * * *"}},
		{"schedule-pause", []string{"schedule", "pause", "nightly"}},
		{"schedule-resume", []string{"schedule", "resume", "nightly"}},
		{"schedule-trigger", []string{"schedule", "trigger", "nightly"}},
		{"schedule-remove", []string{"schedule", "remove", "nightly"}},
		{"help", []string{"--help"}},
		{"help-run", []string{"task", "run", "--help"}},
		{"unknown-command", []string{"tasks"}},
		{"unknown-subcommand", []string{"task", "lst"}},
		{"unknown-flag", []string{"task", "list", "--colour"}},
		{"missing-argument", []string{"task", "run"}},
	} {
		t.Run(c.name, func(t *testing.T) { invoke(t, "", c.args...).golden(t, c.name) })
	}
}
