package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/windrow-dev/windrow/api/openapi"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// descriptions are the Go comments of sdk/wire, by "Type", "Type.json_name" and
// "Code…"; go test ./api -run TestDescriptions -update writes them anew.
//
//go:embed descriptions.json
var descriptions []byte

// Patterns of names, as name.go checks them.
const (
	patternName   = `^[a-z][a-z0-9_-]{0,62}$`
	patternTask   = `^[a-z][a-z0-9_-]{0,62}\.[A-Za-z_][A-Za-z0-9_.-]{0,254}$`
	patternLine   = `^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}$`
	patternDigest = `^sha256:[0-9a-f]{64}$`
	patternRate   = `^0*[1-9][0-9]{0,8}/[smh]$`
	patternSpan   = `^(([0-9]+(\.[0-9]+)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d))+$|^[0-9]+(\.[0-9]+)?$`
	patternSize   = `^[0-9]+(\.[0-9]+)? ?(KiB|MiB|GiB|TiB|kB|KB|MB|GB|TB)$|^[0-9]+ ?B?$`
)

func text(pattern string, examples ...any) *openapi.Schema {
	return &openapi.Schema{Type: "string", Pattern: pattern, Examples: examples}
}

// types are those whose JSON reflection cannot see.
func types() map[reflect.Type]*openapi.Schema {
	seconds, bytes := openapi.Limits(0, wire.MaxDuration.Std().Seconds()), openapi.Limits(0, 1<<53)
	seconds.Type, bytes.Type = "number", "integer"
	span := &openapi.Schema{Type: "string", Pattern: patternSpan, MaxLength: 64, Examples: []any{"30s", "1h30m", "250ms"}}
	moment := &openapi.Schema{Type: "string", Format: "date-time", Examples: []any{"2026-01-31T09:30:00Z"}}
	limit := openapi.Limits(1, 1e6)
	limit.Type, limit.Default = "integer", 1
	key := &openapi.Schema{Type: "string", MinLength: 1, MaxLength: maxKey}
	return map[reflect.Type]*openapi.Schema{
		reflect.TypeFor[wire.Canvas]():   canvasSchema(),
		reflect.TypeFor[wire.Time]():     moment,
		reflect.TypeFor[wire.Duration](): {AnyOf: []*openapi.Schema{span, seconds}, Examples: []any{"30s", 30}},
		reflect.TypeFor[wire.Expires]():  {AnyOf: []*openapi.Schema{moment, span, seconds}, Examples: []any{"10m"}},
		reflect.TypeFor[wire.Size]():     {AnyOf: []*openapi.Schema{bytes, text(patternSize, "64MiB")}, Examples: []any{"64MiB"}},
		reflect.TypeFor[wire.Rate]():     text(patternRate, "10/s", "100/m"),
		reflect.TypeFor[wire.ConcurrencyKey](): {AnyOf: []*openapi.Schema{key, {Type: "object", Additional: false, Required: []string{"key"},
			Properties: openapi.Members[*openapi.Schema]{{Name: "key", Value: key}, {Name: "limit", Value: limit}}}}, Examples: []any{"customer-7"}},
	}
}

var states = []string{wire.StatePending, wire.StateReceived, wire.StateStarted, wire.StateRetry, wire.StateSuccess, wire.StateFailure,
	wire.StateRevoked, wire.StateSkipped, wire.StateUpstreamFailed, wire.StateDeferred, wire.StateRemoved}

var runStates = []string{wire.RunQueued, wire.RunRunning, wire.RunSuccess, wire.RunFailed, wire.RunCancelled}

func within(lowest, highest float64, usual any) *openapi.Schema {
	s := openapi.Limits(lowest, highest)
	s.Default = usual
	return s
}

func usually(usual string, names ...string) *openapi.Schema {
	s := openapi.Texts(names...)
	s.Default = usual
	return s
}

// fields add to what reflection sees.
func fields() map[string]*openapi.Schema {
	list := &openapi.Schema{Type: "array"}
	object := &openapi.Schema{Type: "object"}
	key := &openapi.Schema{MaxLength: maxKey}
	kinds := &openapi.Schema{MaxItems: 100, Items: &openapi.Schema{Type: "string", MinLength: 1, MaxLength: maxLabel}}
	id := &openapi.Schema{Format: "uuid"}
	ids := &openapi.Schema{Items: &openapi.Schema{Type: "string", Format: "uuid"}}
	f := map[string]*openapi.Schema{
		"Call.task": text(patternTask, "etl.load"), "Call.args": list, "Call.kwargs": object, "Call.headers": object,
		"Call.queue": {Pattern: patternLine + `|^$`, Default: "default", Examples: []any{"default", "mail"}}, "Call.priority": within(0, 9, 5),
		"Call.ack": usually("late", "late", "early"), "Call.max_deliveries": within(1, 10_000, 3),
		"Call.idempotency_key": key, "Call.unique_key": key, "Call.fairness_key": key,
		"Call.pool": {Pattern: patternLine + `|^$`, Examples: []any{"database"}}, "Call.pool_slots": within(1, 1<<31-1, 1),
		"Call.link": {MaxItems: 1000}, "Call.link_error": {MaxItems: 1000}, "Call.version": within(1, 1<<31-1, nil),
		"Call.labels": {MaxMembers: 64, Additional: &openapi.Schema{Type: "string", MaxLength: maxLabel}},
		"Call.stdin":  usually("json", "json", "raw"), "Call.output": usually("auto", "auto", "json", "text"),
		"Retry.max": within(0, 1e6, 0), "Retry.factor": within(1, 1000, 2), "Retry.jitter": usually("full", "full", "equal", "none"),
		"Retry.on": kinds, "Retry.not_on": kinds,
		"Task.args": list, "Task.kwargs": object, "Task.headers": object, "Task.priority": within(0, 9, nil),
		"QueueSettings.rate_limit": {Pattern: patternRate + `|^$`, Examples: []any{"100/m", ""}},
		"PoolSettings.slots":       within(0, 1<<32-1, nil), "Replay.limit": within(1, wire.MaxBatch, 1000),
		"Join.id": {MinLength: 1, MaxLength: 255}, "Join.raft_addr": {MinLength: 1, MaxLength: 255}, "Join.role": openapi.Texts("all", "server", "worker"),
		"Module.kind": openapi.Texts("command", "reactor"), "ModuleTask.params": {Type: []string{"object", "boolean"}}, "ModuleTask.defaults": object,
		"Worker.state": openapi.Texts("ready", "silent", "draining", "drained"), "Node.role": openapi.Texts("all", "server", "worker", ""),
		"Node.state": openapi.Texts("leader", "follower", "joining", "unreachable", "left"),
		"Replay.ids": {MaxItems: wire.MaxBatch, Items: ids.Items}, "Replayed.ids": ids, "Replayed.replayed": ids, "Batch.ids": ids,
		"Problem.status": within(400, 599, nil), "Problem.code": codes(), "Event.id": text(`^[0-9]+-[0-9]+$`, "4711-0"),
		"Module.versions": {Items: &openapi.Schema{Type: "integer"}},
	}
	for _, name := range []string{"Task.id", "Submitted.id", "Task.replay_of", "Task.replayed_as", "Event.task_id", "Run.id", "Run.cause", "Schedule.last_run", "Started.id", "RunTask.task_id", "Task.run_id", "Task.cause"} {
		f[name] = id
	}
	for _, name := range []string{"Task.state", "Submitted.state", "Event.state", "News.state", "RunTask.state"} {
		f[name] = openapi.Texts(states...)
	}
	f["Event.state"] = openapi.Texts(append(slices.Clone(states), wire.RunRunning, wire.RunFailed, wire.RunCancelled)...) // or a run's
	f["Run.state"], f["Started.state"] = openapi.Texts(runStates...), openapi.Texts(runStates...)
	f["Run.kind"], f["Started.kind"] = openapi.Texts(runKinds()...), openapi.Texts(runKinds()...)
	for _, name := range []string{"Module.digest", "Blob.digest", "Task.input_digest", "Task.result_digest", "RunTask.result_digest"} {
		f[name] = text(patternDigest)
	}
	return f
}

// codes lists what a problem's code may be, with what each means.
func codes() *openapi.Schema {
	names := make([]string, 0, len(kinds))
	meanings := map[string]string{}
	for code, k := range kinds {
		names = append(names, code)
		meanings[code] = fmt.Sprintf("%d: %s", k.status, k.title)
	}
	slices.Sort(names)
	s := openapi.Texts(names...)
	s.Meanings = meanings
	return s
}

// facts are all of it.
func facts() (openapi.Facts, error) {
	f := openapi.Facts{
		Types: types(), Fields: fields(), Optional: map[string]bool{"Retry.max": true, "Join.http_addr": true},
		Requests: map[string]bool{"Call": true, "Retry": true, "Revoke": true, "QueueSettings": true, "PoolSettings": true,
			"Replay": true, "Solar": true, "Join": true, "Transfer": true},
	}
	if err := json.Unmarshal(descriptions, &f.Descriptions); err != nil {
		return f, fmt.Errorf("read descriptions.json: %w", err)
	}
	definition, err := scheduleSchema(f)
	f.Types[reflect.TypeFor[wire.ScheduleDefinition]()] = definition
	return f, err
}
