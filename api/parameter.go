package api

import (
	"strings"

	"github.com/windrow-dev/windrow/api/openapi"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// whole is a whole number in [lowest, highest].
func whole(lowest, highest float64, usual any) *openapi.Schema {
	s := within(lowest, highest, usual)
	s.Type = "integer"
	return s
}

// since is a moment, or how long ago it was.
func since() *openapi.Schema {
	return &openapi.Schema{Type: "string", AnyOf: []*openapi.Schema{{Format: "date-time"}, {Pattern: patternSpan, MaxLength: 64}}, Examples: []any{"1h", "2026-01-31T09:30:00Z"}}
}

func named(in, name, about string, s *openapi.Schema) *openapi.Parameter {
	return &openapi.Parameter{Name: name, In: in, Description: about, Schema: s, Required: in == "path"}
}

// parameters are the parameters that routes name, without those of paths.
func parameters() openapi.Members[*openapi.Parameter] {
	flag := openapi.Texts("true", "false", "1", "0", "")
	flag.Type = "string"
	level := openapi.Texts(wire.Stale, wire.Linearizable)
	level.Type = "string"
	span := text(patternSpan+"|^$", "30s", "1m")
	span.MaxLength = 64
	states := &openapi.Schema{Type: "string", Pattern: "^(" + strings.Join(states, "|") + ")(,(" + strings.Join(states, "|") + "))*$", Examples: []any{queue.Pending.String(), "success,failure"}}
	runStateParam := &openapi.Schema{Type: "string", Pattern: "^(" + strings.Join(runStates, "|") + ")(,(" + strings.Join(runStates, "|") + "))*$", Examples: []any{wire.RunFailed}}
	kinds := openapi.Texts(runKinds()...)
	kinds.Type = "string"
	token := text(`^[A-Za-z0-9_-]{2,342}$`)
	idem := &openapi.Schema{Type: "string", MaxLength: maxKey, Examples: []any{"order-4711"}}
	list := openapi.Members[*openapi.Parameter]{}
	for name, p := range map[string]*openapi.Parameter{
		"namespace":      named("query", "namespace", "The namespace, default unless given. The header "+wire.HeaderNamespace+" says the same; the two must not disagree.", text(patternName+"|^$", queue.DefaultNamespace)),
		"header":         named("header", wire.HeaderNamespace, "The namespace; ?namespace= says the same.", text(patternName+"|^$", queue.DefaultNamespace)),
		"idempotency":    named("header", wire.HeaderIdempotencyKey, "Makes the request safe to repeat for 24 hours: the same key and body get the same answer, another body 409 idempotency_conflict.", idem),
		"min_index":      named("query", "min_index", "Waits until the node has applied this index, as "+wire.HeaderIndex+" told it.", whole(0, 1<<53, nil)),
		"consistency":    named("query", "consistency", "stale answers from what the node has applied; linearizable from a state at least as new as the request. Lists are stale unless asked, single things linearizable.", level),
		"wait":           named("query", "wait", "How long to wait for the end, at most 1h; 30s without a value.", span),
		"limit":          named("query", "limit", "How many items a page may have.", whole(1, 1000, 100)),
		"cursor":         named("query", "cursor", "Where to go on: next_cursor of the page before.", token),
		"state":          named("query", "state", "One or several states, by commas or by repeating it.", states),
		"run_state":      named("query", "state", "One or several states, by commas or by repeating it.", runStateParam),
		"kind":           named("query", "kind", "What the run is.", kinds),
		"task":           named("query", "task", "MODULE.TASK, or MODULE for all of its tasks.", text(`^[a-z][a-z0-9_-]{0,62}(\.([A-Za-z_][A-Za-z0-9_.-]{0,254})?)?$|^$`, "echo.main", "echo")),
		"queue":          named("query", "queue", "A queue's name.", text(patternLine+"|^$", "default")),
		"worker":         named("query", "worker", "The worker that has the task, or had it last.", &openapi.Schema{Type: "string", MaxLength: 255}),
		"Name.workers":   named("path", "id", "A worker's id, that of its node.", &openapi.Schema{Type: "string", MinLength: 1, MaxLength: 255}),
		"label":          named("query", "label", "A label that the task has, NAME=VALUE; repeat it for several.", text("^[^=]{1,256}=.{0,256}$", "customer=4711")),
		"since":          named("query", "since", "Accepted at this time or later; a duration means so long ago.", since()),
		"until":          named("query", "until", "Accepted before this time; a duration means so long ago.", since()),
		"version":        named("query", "version", "A version, the newest unless given.", whole(1, 1<<31-1, nil)),
		"follow":         named("query", "follow", "Whether to go on with what comes.", flag),
		"attempt":        named("query", "attempt", "One attempt alone.", whole(1, 1<<31-1, nil)),
		"after":          named("query", "after", "The id of the last event seen; Last-Event-ID beats it. One that cannot be read starts from now, after the event reset.", text("", "4711-0")),
		"last_event_id":  named("header", "Last-Event-ID", "The id of the last event seen.", text("", "4711-0")),
		"log_after":      named("query", "after", "The id of the last event seen; Last-Event-ID beats it.", text(`^([1-9][0-9]{0,8}-[0-9]{1,15}-[ -~]{0,255})?$`, "1-512-n1")),
		"log_event_id":   named("header", "Last-Event-ID", "The id of the last event seen.", text(`^([1-9][0-9]{0,8}-[0-9]{1,15}-[ -~]{0,255})?$`, "1-512-n1")),
		"event_task":     named("query", "task", "A task's id, or MODULE.TASK.", &openapi.Schema{Type: "string"}),
		"event_queue":    named("query", "queue", "Events of tasks in this queue.", &openapi.Schema{Type: "string"}),
		"event_type":     named("query", "type", "Types by commas, whole as task.success or up to a dot as task.", &openapi.Schema{Type: "string", Examples: []any{"task.success,task.failure"}}),
		"event_run":      named("query", "run", "For a later version: refused.", &openapi.Schema{Type: "string"}),
		"Name.id":        named("path", "id", "A task's id.", &openapi.Schema{Type: "string", Format: "uuid"}),
		"Name.run":       named("path", "id", "A run's id.", &openapi.Schema{Type: "string", Format: "uuid"}),
		"Name.node":      named("path", "id", "A node's id.", &openapi.Schema{Type: "string", MinLength: 1, MaxLength: 255}),
		"Name.digest":    named("path", "digest", "The sha256 of the bytes.", text(patternDigest)),
		"Name.modules":   named("path", "name", "A module's name.", text(patternName, "echo")),
		"Name.queues":    named("path", "name", "A queue's name.", text(patternLine, "default")),
		"Name.schedules": named("path", "name", "A schedule's name.", text(patternLine, "nightly")),
		"Name.webhooks":  named("path", "name", "A webhook's name.", text(patternLine, "alerts")),
		"dry_run":        named("query", "dry_run", "Whether only to check, and to show what would come of it.", flag),
		"Name.pools":     named("path", "name", "A pool's name.", text(patternLine, "database")),
	} {
		p.AllowEmpty = name == "wait" || name == "follow" || name == "dry_run"
		list.Add(name, p)
	}
	list.Sort()
	return list
}

// pathParams names the parameters in a path, and writes the path as OpenAPI
// does.
func pathParams(path string) (documented string, names []string) {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		name, ok := strings.CutPrefix(part, ":")
		if !ok {
			continue
		}
		kind := name
		switch {
		case name == "name":
			kind = parts[i-1]
		case name == "id" && parts[i-1] == "nodes":
			kind = "node"
		case name == "id" && parts[i-1] == "runs":
			kind = "run"
		}
		names = append(names, "Name."+kind)
		parts[i] = "{" + name + "}"
	}
	return strings.Join(parts, "/"), names
}
