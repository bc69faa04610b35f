package api

import (
	"reflect"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// route is one line of the table below, which is both what is served and what
// /openapi.json says: nothing is served that is not documented.
type route struct {
	method, path string
	do           func(*Server, *fiber.Ctx) error
	tag, summary string
	about        string   // what more there is to know
	traits       trait    //
	query        []string // names of parameters
	body         *content
	answers      []reply
	codes        []string // of problems, beyond those that its traits bring
}

// trait is what a route has in common with others.
type trait uint8

const (
	reads  trait = 1 << iota // waits for a state that is new enough
	writes                   // puts commands into the log
	keyed                    // takes Idempotency-Key
	spaced                   // belongs to a namespace
	paged                    // a list with limit and cursor
	open                     // needs no token
)

// content is a body of one or several content types.
type content struct {
	types    []string
	json     reflect.Type // of a JSON body, or of a line of NDJSON
	event    reflect.Type // of the data of a server-sent event
	list     bool         // the JSON body is a list of them
	optional bool
	example  any
}

// reply is one good answer.
type reply struct {
	status int
	about  string
	body   *content
}

// of is JSON of a type.
func of[T any]() *content {
	return &content{types: []string{wire.TypeJSON}, json: reflect.TypeFor[T]()}
}

// raw is bytes of content types.
func raw(types ...string) *content { return &content{types: types} }

// maybe makes a body one that may be left out.
func (c *content) maybe() *content { c.optional = true; return c }

// packed makes JSON a body that may come as MessagePack.
func (c *content) packed() *content { c.types = orPacked(c.types...); return c }

// such shows one.
func (c *content) such(example any) *content { c.example = example; return c }

// nothing is a POST's body that has nothing to say.
func nothing() *content { return of[struct{}]().maybe() }

func replies(status int, about string, body *content) []reply { return []reply{{status, about, body}} }

// Codes that come together.
var (
	submitCodes = []string{wire.CodeModuleNotFound, wire.CodeTaskNotFound, wire.CodePoolNotFound, wire.CodePoolTooSmall,
		wire.CodeDuplicate, wire.CodeThrottled, wire.CodeThrottleFull, wire.CodeTooManyQueues, wire.CodeConflict, wire.CodeUnsupported, "exists"}
	listed = []string{"min_index", "consistency"}
)

type obj = map[string]any

// table lists all there is; the busiest come first, since Fiber looks at them
// one by one.
var table = []route{
	{"POST", "/v1/tasks", (*Server).postTask, "tasks", "Submit a task",
		"The task is accepted once a majority of servers has it on disk. With ?wait= the answer is the finished task, or 202 and its state when the time is over. " +
			"Where the module's task has a schema for its parameters, the arguments are checked against it; its defaults apply where the call says nothing.",
		writes | keyed | spaced, append([]string{"wait"}, listed...), of[wire.Call]().packed().such(obj{"task": "echo.main", "input": obj{"hello": "world"}}),
		[]reply{{202, "Accepted; with ?wait= the task as it stands.", of[wire.Submitted]()}, {200, "With ?wait=: the task has ended.", of[wire.Task]()}},
		submitCodes},
	{"POST", "/v1/tasks/batch", (*Server).postBatch, "tasks", "Submit up to 10,000 tasks, all or none",
		"NDJSON, a call a line, or a JSON array; in MessagePack one call after another, or an array. The ids come in the order of the calls. A call inside a batch has no idempotency_key.",
		writes | keyed | spaced, listed,
		&content{types: batchTypes, json: reflect.TypeFor[wire.Call](), list: true,
			example: []any{obj{"task": "echo.main", "input": 1}, obj{"task": "echo.main", "input": 2}}},
		replies(202, "Accepted.", of[wire.Batch]()), append([]string{"stage_expired"}, submitCodes...)},
	{"POST", "/v1/tasks/:id/revoke", (*Server).revokeTask, "tasks", "Revoke a task", "One that waits ends at once, one that runs only with terminate.",
		writes | keyed | spaced, nil, of[wire.Revoke]().maybe().such(obj{"terminate": true}), replies(200, "Revoked, or about to be.", of[wire.Submitted]()),
		[]string{wire.CodeNotFound, wire.CodeAlreadyEnded, wire.CodeRunning}},
	{"POST", "/v1/tasks/revoke", (*Server).revokeTasks, "tasks", "Revoke all tasks that are found",
		"Of the tasks with all of the labels, of the queue, of the task or in the states given, as many as a limit says: where more is true, ask again. " +
			"At least one of labels, queue and task must be given. One that runs ends only with terminate.",
		reads | writes | keyed | spaced, listed, of[wire.RevokeMany]().such(obj{"labels": obj{"customer": "4711"}}), replies(200, "How many were revoked, or are about to be.", of[wire.RevokedMany]()), nil},
	{"GET", "/v1/tasks", (*Server).listTasks, "tasks", "List tasks, newest first", "", reads | spaced | paged,
		append([]string{"state", "task", "queue", "worker", "label", "since", "until"}, listed...), nil, replies(200, "A page of tasks.", of[wire.List[wire.Task]]()), nil},
	{"GET", "/v1/tasks/:id", (*Server).getTask, "tasks", "Show a task", "With ?wait= once it has ended, or as it stands when the time is over.",
		reads | spaced, append([]string{"wait"}, listed...), nil, replies(200, "The task.", of[wire.Task]()), []string{wire.CodeNotFound}},
	{"GET", "/v1/tasks/:id/logs", (*Server).getLog, "tasks", "Read a task's log", "What the attempts wrote to stderr and to the log, in order; with ?follow=true as it comes, until the task has ended. " +
		"Who follows and accepts text/event-stream gets events instead: log with a piece of text, progress with what the guest told last, and end, which is the last one. " +
		"A stream that breaks off without end goes on after the id of its last event, given back as Last-Event-ID or ?after=, on any node.",
		reads | spaced, append([]string{"follow", "attempt", "log_after", "log_event_id"}, listed...), nil,
		replies(200, "The log.", &content{types: []string{typeText, typeEvents}, event: reflect.TypeFor[wire.News]()}), []string{wire.CodeNotFound}},

	{"POST", "/v1/canvas", (*Server).postCanvas, "runs", "Submit a canvas",
		"A call, or calls put together as chain, group, chord, map, starmap or chunks, nested in any way, of up to 250,000 tasks. All of it is accepted at once, as a run. " +
			"With ?wait= the answer is the finished run, or 202 and its state when the time is over.",
		writes | keyed | spaced, append([]string{"wait"}, listed...),
		of[wire.Canvas]().packed().such(obj{"chain": []any{obj{"group": []any{obj{"task": "etl.load", "args": []any{1}}, obj{"task": "etl.load", "args": []any{2}}}}, obj{"task": "etl.report"}}}),
		[]reply{{202, "Accepted; with ?wait= the run as it stands.", of[wire.Started]()}, {200, "With ?wait=: the run has ended.", of[wire.Run]()}},
		append([]string{"stage_expired"}, submitCodes...)},
	{"GET", "/v1/runs", (*Server).listRuns, "runs", "List runs, newest first", "", reads | spaced | paged, append([]string{"run_state", "kind", "since", "until"}, listed...), nil,
		replies(200, "A page of runs.", of[wire.List[wire.Run]]()), nil},
	{"GET", "/v1/runs/:id", (*Server).getRun, "runs", "Show a run", "With ?wait= once it has ended, or as it stands when the time is over.", reads | spaced,
		append([]string{"wait"}, listed...), nil, replies(200, "The run.", of[wire.Run]()), []string{wire.CodeNotFound}},
	{"GET", "/v1/runs/:id/tasks", (*Server).listRunTasks, "runs", "List the tasks of a run", "In the order of its canvas, those of maps one by one.", reads | spaced | paged, listed, nil,
		replies(200, "A page of tasks.", of[wire.List[wire.RunTask]]()), []string{wire.CodeNotFound}},
	{"POST", "/v1/runs/:id/cancel", (*Server).cancelRun, "runs", "Cancel a run", "What waits of it never begins, what runs is stopped.", writes | keyed | spaced, nil, nothing(),
		replies(200, "Cancelled, or about to be.", of[wire.Started]()), []string{wire.CodeNotFound, wire.CodeAlreadyEnded}},
	{"POST", "/v1/runs/:id/pause", (*Server).pauseRun, "runs", "Begin nothing more of a run", "What has begun goes on to its end.", writes | keyed | spaced, nil, nothing(),
		replies(200, "Paused.", of[wire.Started]()), []string{wire.CodeNotFound, wire.CodeAlreadyEnded}},
	{"POST", "/v1/runs/:id/resume", (*Server).resumeRun, "runs", "Go on with a paused run", "", writes | keyed | spaced, nil, nothing(),
		replies(200, "Resumed.", of[wire.Started]()), []string{wire.CodeNotFound, wire.CodeAlreadyEnded}},

	{"GET", "/v1/schedules", (*Server).listSchedules, "schedules", "List schedules", "", reads | spaced | paged, listed, nil,
		replies(200, "A page of schedules.", of[wire.List[wire.Schedule]]()), nil},
	{"GET", "/v1/schedules/:name", (*Server).getSchedule, "schedules", "Show a schedule", "With the next ticks to come, what became of the last one, and counts.", reads | spaced, listed, nil,
		replies(200, "The schedule.", of[wire.Schedule]()), []string{wire.CodeNotFound}},
	{"PUT", "/v1/schedules/:name", (*Server).putSchedule, "schedules", "Make or change a schedule",
		"When, by one of cron, every, at, solar and next (a task that says it), and what: a call's fields beside the others, or a canvas. The definition that it has already changes nothing; another keeps the counts and the pause. " +
			"With ?dry_run=true nothing is kept, and the answer shows the ticks to come.",
		reads | writes | spaced, []string{"dry_run"}, of[wire.ScheduleDefinition]().such(obj{"cron": "0 9 * * mon-fri", "timezone": "Europe/Berlin", "task": "echo.main", "input": 1}),
		[]reply{{201, "A new schedule.", of[wire.Schedule]()}, {200, "Changed, as it was, or a dry run.", of[wire.Schedule]()}},
		[]string{wire.CodeModuleNotFound, wire.CodeTaskNotFound, wire.CodePoolNotFound, wire.CodePoolTooSmall, wire.CodeTooManySchedules, wire.CodeConflict}},
	{"DELETE", "/v1/schedules/:name", (*Server).deleteSchedule, "schedules", "Remove a schedule", "Its runs go on.", writes | spaced, nil, nil,
		replies(204, "Removed.", nil), []string{wire.CodeNotFound}},
	{"POST", "/v1/schedules/:name/pause", (*Server).pauseSchedule, "schedules", "Fire nothing more of a schedule", "Its runs go on. A tick that waits for the end of one is passed over.", reads | writes | keyed | spaced, nil, nothing(),
		replies(200, "The schedule.", of[wire.Schedule]()), []string{wire.CodeNotFound, wire.CodeConflict}},
	{"POST", "/v1/schedules/:name/resume", (*Server).resumeSchedule, "schedules", "Go on with a paused schedule", "The ticks of the pause are made up for only with misfire all, or catchup.", reads | writes | keyed | spaced, nil, nothing(),
		replies(200, "The schedule.", of[wire.Schedule]()), []string{wire.CodeNotFound, wire.CodeConflict}},
	{"POST", "/v1/schedules/:name/trigger", (*Server).triggerSchedule, "schedules", "Begin a run of a schedule now",
		"Also of one that is paused. Where overlap is skip or buffer and a run goes on, it is refused with that run's id.", reads | writes | keyed | spaced, nil, nothing(),
		replies(202, "Accepted.", of[wire.Started]()), []string{wire.CodeNotFound, wire.CodeRunning, wire.CodeModuleNotFound, wire.CodeTaskNotFound, wire.CodePoolNotFound, wire.CodePoolTooSmall, wire.CodeConflict}},

	{"GET", "/v1/webhooks", (*Server).listWebhooks, "webhooks", "List webhooks", "", reads | spaced | paged, listed, nil,
		replies(200, "A page of webhooks.", of[wire.List[wire.Webhook]]()), nil},
	{"GET", "/v1/webhooks/:name", (*Server).getWebhook, "webhooks", "Show a webhook", "Without its secret and the values of its headers.", reads | spaced, listed, nil,
		replies(200, "The webhook.", of[wire.Webhook]()), []string{wire.CodeNotFound}},
	{"PUT", "/v1/webhooks/:name", (*Server).putWebhook, "webhooks", "Make or change a webhook",
		"Every committed transition that it asks for is sent to its URL at least once. One that was stopped goes on. Secret and headers are encrypted before they leave the node that takes them, " +
			"which needs --secrets-key-file; a URL of another host needs them anew.",
		reads | writes | spaced, nil, of[wire.WebhookSettings]().such(obj{"url": "https://example.com/windrow", "events": []string{"task.failure", "run."}}),
		[]reply{{201, "A new webhook.", of[wire.Webhook]()}, {200, "Changed.", of[wire.Webhook]()}}, []string{wire.CodeConflict, wire.CodeTooManyWebhooks, wire.CodeNoSecretsKey}},
	{"DELETE", "/v1/webhooks/:name", (*Server).deleteWebhook, "webhooks", "Remove a webhook", "With what it has yet to deliver.", writes | spaced, nil, nil,
		replies(204, "Removed.", nil), []string{wire.CodeNotFound}},
	{"GET", "/v1/webhooks/:name/deliveries", (*Server).listDeliveries, "webhooks", "List attempts to deliver", "The newest 100, newest first; they are told within a second or so.", reads | spaced, listed, nil,
		replies(200, "The attempts.", of[wire.List[wire.WebhookDelivery]]()), []string{wire.CodeNotFound}},
	{"POST", "/v1/webhooks/:name/test", (*Server).testWebhook, "webhooks", "Send a test event", "It is of the type webhook.test, and goes the way of the others, behind them.", reads | writes | keyed | spaced, nil, nothing(),
		replies(202, "It is on its way.", of[wire.Webhook]()), []string{wire.CodeNotFound, wire.CodeConflict}},

	{"GET", "/v1/modules", (*Server).listModules, "modules", "List modules", "The newest version of each, by name.", reads | spaced | paged, listed, nil,
		replies(200, "A page of modules.", of[wire.List[wire.Module]]()), nil},
	{"PUT", "/v1/modules/:name", (*Server).putModule, "modules", "Upload a module", "The bytes are validated and compiled before the answer. The bytes of the newest version again change nothing.",
		writes | spaced, nil, raw(wire.TypeWasm), []reply{{201, "A new version.", of[wire.Module]()}, {200, "The bytes of the newest version again.", of[wire.Module]()}},
		[]string{wire.CodeInvalidModule, wire.CodeConflict}},
	{"GET", "/v1/modules/:name", (*Server).getModule, "modules", "Show a module", "", reads | spaced, append([]string{"version"}, listed...), nil,
		replies(200, "The module.", of[wire.Module]()), []string{wire.CodeModuleNotFound}},
	{"DELETE", "/v1/modules/:name", (*Server).deleteModule, "modules", "Remove a module, or one version of it", "", reads | writes | spaced,
		append([]string{"version"}, listed...), nil, replies(204, "Removed.", nil), []string{wire.CodeModuleNotFound, wire.CodeNotFound, wire.CodeModuleInUse}},
	{"GET", "/v1/modules/:name/wasm", (*Server).getWasm, "modules", "Read a module's bytes", "", reads | spaced, append([]string{"version"}, listed...), nil,
		replies(200, "The bytes as they were uploaded.", raw(wire.TypeWasm)), []string{wire.CodeModuleNotFound, wire.CodeNotFound}},
	{"PUT", "/v1/blobs/:digest", (*Server).putBlob, "blobs", "Keep a large value", "What nothing refers to within an hour is removed again.", writes, nil,
		raw(wire.TypeBinary, wire.TypeJSON, wire.TypeWasm), replies(201, "A majority of servers has it.", of[wire.Blob]()), []string{wire.CodeDigestMismatch}},
	{"GET", "/v1/blobs/:digest", (*Server).getBlob, "blobs", "Read a large value", "", 0, nil, nil,
		replies(200, "The bytes.", raw(wire.TypeBinary)), []string{wire.CodeNotFound}},

	{"GET", "/v1/queues", (*Server).listQueues, "queues", "List queues", "", reads | spaced | paged, listed, nil, replies(200, "A page of queues.", of[wire.List[wire.Queue]]()), nil},
	{"GET", "/v1/queues/:name", (*Server).getQueue, "queues", "Show a queue", "", reads | spaced, listed, nil, replies(200, "The queue.", of[wire.Queue]()), []string{wire.CodeNotFound}},
	{"PUT", "/v1/queues/:name", (*Server).putQueue, "queues", "Change a queue", "What the body names is set, the rest stays.", writes | spaced, nil,
		of[wire.QueueSettings]().maybe().such(obj{"rate_limit": "100/m"}), replies(200, "The queue.", of[wire.Queue]()), []string{wire.CodeNotFound, wire.CodeConflict, wire.CodeTooManyQueues}},
	{"POST", "/v1/queues/:name/pause", (*Server).pauseQueue, "queues", "Start nothing more of a queue", "", writes | keyed | spaced, nil, nothing(),
		replies(200, "The queue.", of[wire.Queue]()), []string{wire.CodeNotFound, wire.CodeConflict, wire.CodeTooManyQueues}},
	{"POST", "/v1/queues/:name/resume", (*Server).resumeQueue, "queues", "Go on with a paused queue", "", writes | keyed | spaced, nil, nothing(),
		replies(200, "The queue.", of[wire.Queue]()), []string{wire.CodeNotFound, wire.CodeConflict, wire.CodeTooManyQueues}},
	{"POST", "/v1/queues/:name/purge", (*Server).purgeQueue, "queues", "Revoke all that waits in a queue", "A repeat with the same key does not purge what has come since.", writes | keyed | spaced, nil, nothing(),
		replies(200, "The queue.", of[wire.Queue]()), []string{wire.CodeNotFound}},
	{"GET", "/v1/queues/:name/dead", (*Server).listDead, "queues", "List a queue's dead-lettered tasks", "", reads | spaced | paged,
		append([]string{"state", "task", "since", "until"}, listed...), nil, replies(200, "A page of tasks.", of[wire.List[wire.Task]]()), nil},
	{"POST", "/v1/queues/:name/dead/replay", (*Server).replayDead, "queues", "Run dead-lettered tasks anew", "Those named, or the newest; each becomes a new task with an id of its own.",
		reads | writes | keyed | spaced, listed, of[wire.Replay]().maybe().such(obj{"limit": 10}), replies(200, "Which were replayed, and as what.", of[wire.Replayed]()),
		append([]string{wire.CodeNotFound, "stage_expired"}, submitCodes...)},

	{"GET", "/v1/pools", (*Server).listPools, "pools", "List pools", "", reads | spaced | paged, listed, nil, replies(200, "A page of pools.", of[wire.List[wire.Pool]]()), nil},
	{"GET", "/v1/pools/:name", (*Server).getPool, "pools", "Show a pool", "", reads | spaced, listed, nil, replies(200, "The pool.", of[wire.Pool]()), []string{wire.CodePoolNotFound}},
	{"PUT", "/v1/pools/:name", (*Server).putPool, "pools", "Make or change a pool", "", writes | spaced, nil, of[wire.PoolSettings]().such(obj{"slots": 4}),
		[]reply{{201, "A new pool.", of[wire.Pool]()}, {200, "Changed.", of[wire.Pool]()}}, []string{wire.CodePoolNotFound, wire.CodeConflict, wire.CodePoolTooSmall}},
	{"DELETE", "/v1/pools/:name", (*Server).deletePool, "pools", "Remove a pool", "", writes | spaced, nil, nil, replies(204, "Removed.", nil),
		[]string{wire.CodePoolNotFound, wire.CodeNotFound, wire.CodeModuleInUse, wire.CodeConflict}},

	{"GET", "/v1/routes", (*Server).getRoutes, "routes", "Show the routes", "", reads | spaced, listed, nil, replies(200, "The routes in their order.", of[wire.Routes]()), nil},
	{"PUT", "/v1/routes", (*Server).putRoutes, "routes", "Set the routes", "Those given take the place of those before, for calls from then on. The first whose pattern fits the task's name holds; " +
		"it gives a call the options that neither the call nor the module's defaults say.", writes | spaced, nil,
		of[wire.Routes]().such(obj{"routes": []any{obj{"match": "etl.*", "queue": "heavy", "priority": 3}}}), replies(200, "The routes.", of[wire.Routes]()), nil},
	{"DELETE", "/v1/routes", (*Server).deleteRoutes, "routes", "Remove all routes", "", writes | spaced, nil, nil, replies(204, "Removed, or there were none.", nil), nil},

	{"GET", "/v1/events", (*Server).getEvents, "events", "Follow every committed transition", "Server-sent events, resumable by Last-Event-ID or ?after=. The event reset says that events after the id are not kept any more. " +
		"A comment every 15 s says that the stream lives.",
		spaced, []string{"event_task", "event_queue", "event_type", "event_run", "after", "last_event_id"}, nil,
		replies(200, "A stream of events.", &content{types: []string{typeEvents}, event: reflect.TypeFor[wire.Event]()}), []string{wire.CodeUnsupported}},
	{"GET", "/v1/workers", (*Server).listWorkers, "cluster", "List workers", "", reads | spaced | paged, listed, nil, replies(200, "A page of open sessions.", of[wire.List[wire.Worker]]()), nil},
	{"GET", "/v1/workers/:id", (*Server).getWorker, "cluster", "Show a worker", "What it is at, GET /v1/tasks?worker= lists.", reads, listed, nil,
		replies(200, "The worker.", of[wire.Worker]()), []string{wire.CodeNotFound}},
	{"POST", "/v1/workers/:id/drain", (*Server).drainWorker, "cluster", "Give a worker nothing new", "What runs there goes on to its end, what has not begun goes back into its queue. It holds until it is resumed, over restarts.",
		reads | writes | keyed, nil, nothing(), replies(200, "The worker.", of[wire.Worker]()), []string{wire.CodeNotFound, wire.CodeConflict}},
	{"POST", "/v1/workers/:id/resume", (*Server).resumeWorker, "cluster", "Let a drained worker take part again", "", reads | writes | keyed, nil, nothing(),
		replies(200, "The worker.", of[wire.Worker]()), []string{wire.CodeNotFound, wire.CodeConflict}},
	{"POST", "/v1/workers/:id/concurrency", (*Server).boundWorker, "cluster", "Bound how many attempts a worker has at once",
		"At most what it was started with; 0 lifts the bound. It holds over restarts. What runs beyond it goes on to its end.",
		reads | writes | keyed, nil, of[wire.WorkerLimit]().such(obj{"limit": 4}), replies(200, "The worker.", of[wire.Worker]()), []string{wire.CodeNotFound, wire.CodeConflict}},
	{"GET", "/v1/cluster", (*Server).getCluster, "cluster", "Show the cluster", "", 0, nil, nil, replies(200, "Who belongs to it and who leads.", of[wire.Cluster]()), nil},
	{"POST", "/v1/cluster/join", (*Server).joinCluster, "cluster", "Take a node in", "Nodes started with --join ask for it themselves.", writes | keyed, nil,
		of[wire.Join]().such(obj{"id": "n2", "raft_addr": "10.0.0.2:8090", "http_addr": "10.0.0.2:8080", "role": "all"}),
		replies(200, "The cluster.", of[wire.Cluster]()), []string{wire.CodeConflict}},
	{"POST", "/v1/cluster/transfer", (*Server).transferLead, "cluster", "Make another node the leader", "", writes | keyed, nil, of[wire.Transfer]().maybe().such(obj{"to": "n2"}),
		replies(200, "The cluster.", of[wire.Cluster]()), []string{wire.CodeNotFound, wire.CodeConflict}},
	{"DELETE", "/v1/cluster/nodes/:id", (*Server).removeNode, "cluster", "Take a node out", "", writes, nil, nil, replies(204, "Removed.", nil),
		[]string{wire.CodeNotFound, wire.CodeConflict}},

	{"GET", "/livez", (*Server).live, "node", "Ask whether the process answers", "", open, nil, nil, replies(200, "It does.", raw(typeText)), nil},
	{"GET", "/readyz", (*Server).ready, "node", "Ask whether the node can serve", "", open, nil, nil, replies(200, "It can.", raw(typeText)), nil},
	{"GET", "/metrics", (*Server).metrics, "node", "Read the metrics", "In the Prometheus text format.", 0, nil, nil, replies(200, "The metrics.", raw(typeMetrics)), nil},
	{"GET", "/openapi.json", (*Server).getReference, "node", "Read this description", "", open, nil, nil, replies(200, "An OpenAPI 3.1 document.", &content{types: []string{wire.TypeJSON}}), nil},
	{"GET", "/docs", (*Server).getDocs, "node", "Read this description as a page", "", open, nil, nil, replies(200, "The page.", raw(typePage)), nil},
	{"GET", "/", (*Server).page, "node", "Open the web page", "", open, nil, nil, replies(200, "The page.", raw(typePage, typeText)), nil},
}

const (
	typeEvents  = "text/event-stream"
	typeMetrics = "text/plain; version=0.0.4; charset=utf-8"
	typePage    = "text/html; charset=utf-8"
)

// tagged says what each tag is about.
var tagged = []struct{ name, about string }{
	{"tasks", "Calls of module tasks: submitted, waited for, looked at."},
	{"runs", "Canvases that were submitted: waited for, looked at, steered."},
	{"schedules", "Runs that begin by the clock."},
	{"webhooks", "Events that are sent to a URL."},
	{"modules", "Uploaded Wasm modules and their versions."},
	{"blobs", "Large values by their digest."},
	{"queues", "Where tasks wait: depth, limits, pauses, dead letters."},
	{"pools", "Slots that tasks take while they run."},
	{"routes", "Options for calls by the names of their tasks."},
	{"events", "What is committed, as it happens."},
	{"cluster", "Nodes, workers and who leads."},
	{"node", "The node that is asked: probes, metrics, this description."},
}

// routes serves what the table lists.
func (s *Server) routes() {
	if s.cfg.Answered != nil {
		s.app.Use(s.observe)
	}
	s.app.Use(s.enter)
	for i := range table {
		r := &table[i]
		do := func(c *fiber.Ctx) error { return r.do(s, c) }
		if r.method == fiber.MethodGet {
			s.app.Head(r.path, do) // net/http's clients and curl -I ask so
		}
		s.app.Add(r.method, r.path, do)
	}
}
