package conformance

import (
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
)

// scene is a canvas and what literally must become of it.
type scene struct {
	name   string
	canvas windrow.Canvas
	// result is the run's, JSON; the run is to fail where it is empty.
	result string
	// tasks are all tasks and how they end: "chain-0=success chain-1=failure".
	tasks string
	// gives are results of single tasks, JSON; "@NODE" stands for the id of a task.
	gives map[string]string
	// revoke names tasks that are revoked while they wait for their time.
	revoke []string
}

// Signatures of the guests. Those with a capital letter are given nothing.
var (
	echo     = windrow.S("echo.main")                                                       // the result is its input
	echoArgs = windrow.Sig(windrow.Call{Task: "echo.main", Args: windrow.Args()})           // … its first argument
	trap     = windrow.S("trap.main")                                                       // fails
	fail     = windrow.Sig(failing)                                                         // fails
	one, two = input(1), input(2)                                                           //
	later    = windrow.Sig(windrow.Call{Task: "echo.main", Countdown: duration(time.Hour)}) // waits
	expires  = windrow.Sig(expiring)
	twice    = windrow.Sig(flaky(1, 2)) // fails once, then gives 2
	never    = windrow.Sig(flaky(3, 2)) // is retried twice, and fails for good
)

func input(v any) windrow.Canvas {
	return windrow.Sig(windrow.Call{Task: "echo.main", Input: windrow.JSON(v)})
}

// told is what a link_error is given of a task that failed.
func told(node, task, errorType, args, input string) string {
	return `{"id":"@` + node + `","task":"` + task + `","error":{"type":"` + errorType + `"},"args":` + args + `,"kwargs":{},"input":` + input + `}`
}

// Short for the builders.
var (
	chain   = windrow.Chain
	group   = windrow.Group
	chord   = windrow.Chord
	link    = windrow.Link
	onError = windrow.LinkError
)

func list(c ...windrow.Canvas) []windrow.Canvas { return c }

// scenes names for each case the behaviour of Celery that it holds to, by the
// page of its manual, or with "differs" what is otherwise here, and why.
func scenes() []scene {
	out := signatures()
	out = append(out, chains()...)
	out = append(out, groups()...)
	out = append(out, chords()...)
	out = append(out, mappings()...)
	return append(out, nested()...)
}

func signatures() []scene {
	nothing := `{"args":[],"kwargs":{}}`
	return []scene{
		// Canvas, Signatures: a call without arguments.
		{name: "call", canvas: echo, result: nothing, tasks: "task=success"},
		// Partials: the result is put before the arguments that are there.
		{name: "partial", canvas: chain(one, windrow.S("echo.main", 5)), result: `{"args":[1,5],"kwargs":{}}`, tasks: "chain-0=success chain-1=success"},
		// Differs: where no arguments are named it is the input, as down a pipe.
		{name: "piped", canvas: chain(one, echo), result: `1`, tasks: "chain-0=success chain-1=success"},
		{name: "args named", canvas: chain(one, echoArgs), result: `{"args":[1],"kwargs":{}}`, tasks: "chain-0=success chain-1=success"},
		{name: "kwargs named", canvas: chain(one, windrow.Sig(windrow.Call{Task: "echo.main", Kwargs: windrow.JSON(map[string]int{"a": 2})})),
			result: `{"args":[1],"kwargs":{"a":2}}`, tasks: "chain-0=success chain-1=success"},
		// Immutability: an immutable signature is given no result.
		{name: "immutable", canvas: chain(one, windrow.Si("echo.main", 5)), result: `{"args":[5],"kwargs":{}}`, tasks: "chain-0=success chain-1=success"},
		{name: "immutable, nothing", canvas: chain(one, windrow.Si("echo.main")), result: nothing, tasks: "chain-0=success chain-1=success"},
		{name: "input is immutable", canvas: chain(one, two), result: `2`, tasks: "chain-0=success chain-1=success"},
		// Callbacks: link is called with the result, after a success only.
		{name: "link", canvas: link(onError(one, echo), echo, echoArgs), result: `1`, tasks: "task=success task-link-0=success task-link-1=success task-link_error-0=skipped",
			gives: map[string]string{"task-link-0": `1`, "task-link-1": `{"args":[1],"kwargs":{}}`}},
		{name: "link of a link", canvas: link(one, link(echo, echo)), result: `1`, tasks: "task=success task-link-0=success task-link-0-link-0=success",
			gives: map[string]string{"task-link-0-link-0": `1`}},
		// Errbacks: after a failure only. Celery gives the id of the failed task, or
		// request, exception and traceback; here it is one object.
		{name: "link_error", canvas: link(onError(windrow.Sig(windrow.Call{Task: "trap.main", Args: windrow.Args(7)}), echo), echo), tasks: "task=failure task-link-0=upstream_failed task-link_error-0=success",
			gives: map[string]string{"task-link_error-0": told("task", "trap.main", "trap", "[7]", "null")}},
		// A callback that fails is a task of its own: what it belongs to has succeeded.
		{name: "failing link", canvas: link(one, onError(trap, echo)), result: `1`, tasks: "task=success task-link-0=failure task-link-0-link_error-0=success"},
		{name: "failing link_error", canvas: onError(fail, trap), tasks: "task=failure task-link_error-0=failure"},
		// Tasks, Retrying: RETRY is no end, the same task runs again.
		{name: "retried", canvas: link(onError(twice, echo), echo), result: `2`, tasks: "task=success task-link-0=success task-link_error-0=skipped"},
		{name: "retried in vain", canvas: onError(never, echo), tasks: "task=failure task-link_error-0=success",
			gives: map[string]string{"task-link_error-0": told("task", "flaky.main", "exit_code", "[3]", "null")}},
		// Calling, Expiration: an expired task is REVOKED.
		{name: "expired", canvas: onError(expires, echo), tasks: "task=revoked task-link_error-0=success",
			gives: map[string]string{"task-link_error-0": told("task", "echo.main", "expired", "[]", "null")}},
		{name: "revoked", canvas: link(later, echo), revoke: []string{"task"}, tasks: "task=revoked task-link-0=upstream_failed"},
	}
}

func chains() []scene {
	return []scene{
		// Chains: the result is the last one's.
		{name: "chain of one", canvas: chain(one), result: `1`, tasks: "chain-0=success"},
		// A failure is written to all that comes after (Backend.mark_as_failure); the
		// state has a name of its own here.
		{name: "chain fails first", canvas: chain(fail, echo, echo), tasks: "chain-0=failure chain-1=upstream_failed chain-2=upstream_failed"},
		{name: "chain fails between", canvas: chain(one, trap, echo), tasks: "chain-0=success chain-1=failure chain-2=upstream_failed"},
		{name: "chain fails last", canvas: chain(one, echo, trap), tasks: "chain-0=success chain-1=success chain-2=failure"},
		// A step that retries does not fail the chain, and is waited for.
		{name: "chain retries", canvas: chain(one, twice, echo), result: `2`, tasks: "chain-0=success chain-1=success chain-2=success"},
		{name: "chain revoked", canvas: chain(one, later, echo), revoke: []string{"chain-1"}, tasks: "chain-0=success chain-1=revoked chain-2=upstream_failed"},
		// A callback of a step does not concern the steps after it.
		{name: "chain with a step's link", canvas: chain(link(one, trap), echo), result: `1`, tasks: "chain-0=success chain-0-link-0=failure chain-1=success"},
		// The errback of a step is called for its own failure alone.
		{name: "chain with steps' link_error", canvas: chain(onError(fail, echo), onError(echo, echo)), tasks: "chain-0=failure chain-0-link_error-0=success chain-1=upstream_failed chain-1-link_error-0=skipped"},
		// Differs: Celery clones the errback of a chain onto every step; here it is
		// called once, when all of the chain has ended.
		{name: "chain with link_error", canvas: onError(chain(one, trap, echo), echo), tasks: "chain-0=success chain-1=failure chain-2=upstream_failed chain-link_error-0=success",
			gives: map[string]string{"chain-link_error-0": told("chain-1", "trap.main", "trap", "[]", "1")}},
		// The link of a chain is its last task's.
		{name: "chain with link", canvas: link(chain(one, windrow.S("echo.main", 2)), echo), result: `{"args":[1,2],"kwargs":{}}`, tasks: "chain-0=success chain-1=success chain-link-0=success",
			gives: map[string]string{"chain-link-0": `{"args":[1,2],"kwargs":{}}`}},
		// Chains flatten: a chain in a chain is the chain of all.
		{name: "chain in a chain", canvas: chain(chain(one, echo), echo), result: `1`, tasks: "chain-0-chain-0=success chain-0-chain-1=success chain-1=success"},
	}
}

func groups() []scene {
	return []scene{
		// Groups: the results in the order of the tasks.
		{name: "group", canvas: group(one, twice, input("x")), result: `[1,2,"x"]`, tasks: "group-0=success group-1=success group-2=success"},
		{name: "group of none", canvas: link(group(), echo), result: `[]`, tasks: "group-link-0=success", gives: map[string]string{"group-link-0": `[]`}},
		// A member that fails stops no other.
		{name: "group with a failure", canvas: group(fail, one, never), tasks: "group-0=failure group-1=success group-2=failure"},
		{name: "group with a revoked one", canvas: group(one, later), revoke: []string{"group-1"}, tasks: "group-0=success group-1=revoked"},
		// Differs: Celery puts link on the first member and link_error on every one;
		// here they belong to the whole and are called once, when all of it has ended.
		{name: "group with callbacks", canvas: onError(link(group(one, two), echo), echo), result: `[1,2]`, tasks: "group-0=success group-1=success group-link-0=success group-link_error-0=skipped",
			gives: map[string]string{"group-link-0": `[1,2]`}},
		{name: "group with one errback", canvas: onError(link(group(one, fail, trap), echo), echo), tasks: "group-0=success group-1=failure group-2=failure group-link-0=upstream_failed group-link_error-0=success",
			gives: map[string]string{"group-link_error-0": told("group-1", "fail.main", "exit_code", "[3]", "null")}},
		// The result before a group goes to all members.
		{name: "group in a chain", canvas: chain(one, group(echo, windrow.S("echo.main", 9), two)), result: `[1,{"args":[1,9],"kwargs":{}},2]`,
			tasks: "chain-0=success chain-1-group-0=success chain-1-group-1=success chain-1-group-2=success"},
		// Differs: Celery unrolls a group of one, whose successor is given a value.
		{name: "group of one", canvas: chain(group(one), echo), result: `[1]`, tasks: "chain-0-group-0=success chain-1=success"},
		{name: "group in a group", canvas: group(group(one, two), group(), one), result: `[[1,2],[],1]`, tasks: "group-0-group-0=success group-0-group-1=success group-2=success"},
		// group | group: the second waits for all of the first, and each of its
		// members is given the whole list.
		{name: "group before a group", canvas: chain(group(one, two), group(echo, echoArgs)), result: `[[1,2],{"args":[[1,2]],"kwargs":{}}]`,
			tasks: "chain-0-group-0=success chain-0-group-1=success chain-1-group-0=success chain-1-group-1=success"},
	}
}

func chords() []scene {
	return []scene{
		// Chords: the body is given the list of the header's results, in order.
		{name: "chord", canvas: chord(list(one, twice), echo), result: `[1,2]`, tasks: "chord-header-0=success chord-header-1=success chord-body=success"},
		{name: "chord, immutable body", canvas: chord(list(one), windrow.Si("echo.main", 3)), result: `{"args":[3],"kwargs":{}}`, tasks: "chord-header-0=success chord-body=success"},
		// Chaining a group with another task makes a chord.
		{name: "group before a task", canvas: chain(group(one, two), windrow.S("echo.main", 3)), result: `{"args":[[1,2],3],"kwargs":{}}`, tasks: "chain-0-group-0=success chain-0-group-1=success chain-1=success"},
		{name: "chord with an empty header", canvas: chord(nil, echo), result: `[]`, tasks: "chord-body=success"},
		// Error handling: the rest of the header runs, the body does not.
		{name: "chord's header fails", canvas: chord(list(fail, one), link(echo, echo)), tasks: "chord-header-0=failure chord-header-1=success chord-body=upstream_failed chord-body-link-0=upstream_failed"},
		{name: "chord's body fails", canvas: onError(chord(list(one), onError(trap, echo)), echo), tasks: "chord-header-0=success chord-body=failure chord-body-link_error-0=success chord-link_error-0=success",
			gives: map[string]string{"chord-link_error-0": told("chord-body", "trap.main", "trap", "[]", "[1]"), "chord-body-link_error-0": told("chord-body", "trap.main", "trap", "[]", "[1]")}},
		// Error handling: the errback of the body is called when the header has
		// failed, once.
		{name: "errback of a chord's body", canvas: chord(list(one, fail, trap), onError(echo, echo)), tasks: "chord-header-0=success chord-header-1=failure chord-header-2=failure chord-body=upstream_failed chord-body-link_error-0=success",
			gives: map[string]string{"chord-body-link_error-0": told("chord-header-1", "fail.main", "exit_code", "[3]", "null")}},
		{name: "errback behind a group", canvas: chain(group(fail, one), onError(echo, echo)), tasks: "chain-0-group-0=failure chain-0-group-1=success chain-1=upstream_failed chain-1-link_error-0=success",
			gives: map[string]string{"chain-1-link_error-0": told("chain-0-group-0", "fail.main", "exit_code", "[3]", "null")}},
		{name: "errback of a chord that was not reached", canvas: chain(fail, group(echo), onError(echo, echo)), tasks: "chain-0=failure chain-1-group-0=upstream_failed chain-2=upstream_failed chain-2-link_error-0=skipped"},
		// A retry in the header counts once.
		{name: "chord with retries", canvas: chord(list(twice, twice), echo), result: `[2,2]`, tasks: "chord-header-0=success chord-header-1=success chord-body=success"},
		{name: "chord with a revoked task", canvas: chord(list(one, later), echo), revoke: []string{"chord-header-1"}, tasks: "chord-header-0=success chord-header-1=revoked chord-body=upstream_failed"},
		{name: "chord in a chain", canvas: chain(one, chord(list(echo, two), echo), windrow.S("echo.main", 4)), result: `{"args":[[1,2],4],"kwargs":{}}`,
			tasks: "chain-0=success chain-1-chord-header-0=success chain-1-chord-header-1=success chain-1-chord-body=success chain-2=success"},
	}
}

func mappings() []scene {
	return []scene{
		// Map and starmap: [task(x) for x in items], [task(*x) for x in items].
		// Differs: every item is a task of its own.
		{name: "map", canvas: windrow.Map(echo, []any{1, "a", nil}), result: `[1,"a",null]`, tasks: "map-0=success map-1=success map-2=success"},
		{name: "map as first argument", canvas: windrow.Map(windrow.S("echo.main", 9), []any{1}), result: `[{"args":[1,9],"kwargs":{}}]`, tasks: "map-0=success"},
		{name: "starmap", canvas: windrow.Starmap(echo, [][]any{{1, 2}, {}}), result: `[{"args":[1,2],"kwargs":{}},{"args":[],"kwargs":{}}]`, tasks: "starmap-0=success starmap-1=success"},
		// Chunks: the results of so many items in a list.
		{name: "chunks", canvas: windrow.Chunks(windrow.S("echo.main"), [][]any{{1}, {2}, {3}}, 2),
			result: `[[{"args":[1],"kwargs":{}},{"args":[2],"kwargs":{}}],[{"args":[3],"kwargs":{}}]]`, tasks: "chunks-0=success chunks-1=success chunks-2=success"},
		{name: "map of none", canvas: chain(windrow.Map(echo, []any{}), echo), result: `[]`, tasks: "chain-1=success"},
		{name: "chunks of none", canvas: link(windrow.Chunks(echo, nil, 3), echo), result: `[]`, tasks: "chunks-link-0=success"},
		// Differs: in Celery the first failure ends the whole; here the others go on.
		{name: "map that fails", canvas: chain(onError(windrow.Map(trap, []any{1, 2}), echo), echo), tasks: "chain-0-map-0=failure chain-0-map-1=failure chain-0-map-link_error-0=success chain-1=upstream_failed",
			gives: map[string]string{"chain-0-map-link_error-0": told("chain-0-map-0", "trap.main", "trap", "[]", "1")}},
		{name: "map that is not reached", canvas: chain(fail, windrow.Map(echo, []any{1, 2})), tasks: "chain-0=failure chain-1-map-0=upstream_failed chain-1-map-1=upstream_failed"},
	}
}

func nested() []scene {
	return []scene{
		// Whatever is nested: a callback of a whole is called when all of it has ended.
		{name: "chain of groups with an errback", canvas: onError(chain(group(one, chain(fail, echo)), echo), chain(echo, group(echo))),
			tasks: "chain-0-group-0=success chain-0-group-1-chain-0=failure chain-0-group-1-chain-1=upstream_failed chain-1=upstream_failed chain-link_error-0-chain-0=success chain-link_error-0-chain-1-group-0=success",
			gives: map[string]string{"chain-link_error-0-chain-0": told("chain-0-group-1-chain-0", "fail.main", "exit_code", "[3]", "null")}},
		{name: "chord of chords", canvas: chord(list(chord(list(one, two), echo), group(one)), chord(list(echo, two), echo)), result: `[[[1,2],[1]],2]`,
			tasks: "chord-header-0-chord-header-0=success chord-header-0-chord-header-1=success chord-header-0-chord-body=success chord-header-1-group-0=success chord-body-chord-header-0=success chord-body-chord-header-1=success chord-body-chord-body=success"},
		{name: "a failed callback of a member", canvas: chain(group(link(one, trap), two), echo), result: `[1,2]`, tasks: "chain-0-group-0=success chain-0-group-0-link-0=failure chain-0-group-1=success chain-1=success"},
	}
}
