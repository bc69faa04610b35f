package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// callFlags are the options of a call as flags.
type callFlags struct {
	args, kwargs []string
	input, raw   string

	queue                        string
	priority                     int
	countdown, eta, expires      string
	timeout, softTimeout, memory string
	retry                        int
	backoff, maxBackoff, jitter  string
	factor                       float64
	retryOn, retryNotOn          []string
	ack                          string
	maxDeliveries                int
	idempotencyKey, uniqueKey    string
	concurrencyKey               string
	concurrencyLimit             int
	fairnessKey, rateLimit       string
	debounce, debounceWait       string
	debounceMaxWait              string
	throttle, throttleEvery      string
	shadow                       string
	redact, expected             []string
	pool                         string
	poolSlots                    int
	ignoreResult                 bool
	resultTTL                    string
	version                      int
	labels                       map[string]string
	headers                      []string
	stdout                       string
}

// add defines the flags. They are named as the call's fields, but for output,
// which says here as everywhere how windrow prints.
func (c *callFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVar(&c.args, "arg", nil, "positional argument as `JSON`; repeat it for more")
	f.StringArrayVar(&c.kwargs, "kwarg", nil, "named argument as `NAME=JSON`; repeat it for more")
	f.StringVar(&c.input, "input", "", "the whole input as `JSON`, @FILE to read it, - for standard input")
	f.StringVar(&c.raw, "raw", "", "`TEXT` that the guest gets on its stdin as it is, @FILE to read it, - for standard input")
	f.StringVar(&c.queue, "queue", "", "`QUEUE` that it stands in (default \"default\")")
	f.IntVar(&c.priority, "priority", 5, "`0-9`, 9 first")
	f.StringVar(&c.countdown, "countdown", "", "run no sooner than after this `DURATION`, such as 30s")
	f.StringVar(&c.eta, "eta", "", "run no sooner than at this `TIME`, such as 2026-01-31T09:30:00Z")
	f.StringVar(&c.expires, "expires", "", "`DURATION|TIME` after which it is not started any more")
	f.StringVar(&c.timeout, "timeout", "", "limit of one attempt, a `DURATION` (default 5m)")
	f.StringVar(&c.softTimeout, "soft-timeout", "", "after this `DURATION` the guest is told to finish")
	f.StringVar(&c.memory, "memory", "", "limit of an attempt's memory, a `SIZE` (default 64MiB)")
	f.IntVar(&c.retry, "retry", 0, "try a failed attempt again up to `N` times")
	f.StringVar(&c.backoff, "retry-backoff", "", "delay before the first retry, a `DURATION` (default 1s)")
	f.Float64Var(&c.factor, "retry-factor", 2, "growth of the delay from retry to retry, a `NUMBER`")
	f.StringVar(&c.maxBackoff, "retry-max-backoff", "", "longest delay, a `DURATION` (default 10m)")
	f.StringVar(&c.jitter, "retry-jitter", "", "spread of the delay, a `KIND`: full, equal or none (default full)")
	f.StringSliceVar(&c.retryOn, "retry-on", nil, "error `TYPES` that are retried (default all but fatal)")
	f.StringSliceVar(&c.retryNotOn, "retry-not-on", nil, "error `TYPES` that are never retried")
	f.StringVar(&c.ack, "ack", "", "`WHEN` it is acknowledged: late, or early for at most one run (default late)")
	f.IntVar(&c.maxDeliveries, "max-deliveries", 3, "dead-letter it after `N` deliveries to workers")
	f.StringVar(&c.idempotencyKey, "idempotency-key", "", "the same `KEY` makes the same task for 24 hours")
	f.StringVar(&c.uniqueKey, "unique-key", "", "refuse while an unfinished task has this `KEY`")
	f.StringVar(&c.concurrencyKey, "concurrency-key", "", "tasks with an equal `KEY` run one at a time")
	f.IntVar(&c.concurrencyLimit, "concurrency-limit", 1, "let `N` with the concurrency key run together")
	f.StringVar(&c.fairnessKey, "fairness-key", "", "`KEY` among those of a queue that take turns")
	f.StringVar(&c.debounce, "debounce-key", "", "while it waits, a newer call with this `KEY` takes its place")
	f.StringVar(&c.debounceWait, "debounce-wait", "", "how long it waits for a newer one, a `DURATION`")
	f.StringVar(&c.debounceMaxWait, "debounce-max-wait", "", "wait at most this `DURATION` after the first of them")
	f.StringVar(&c.throttle, "throttle-key", "", "refuse it where another call with this `KEY` was taken lately")
	f.StringVar(&c.throttleEvery, "throttle-every", "", "the `DURATION` in which one is taken")
	f.StringVar(&c.rateLimit, "rate-limit", "", "`RATE` of this task's starts over the cluster, such as 10/s, 100/m, 5000/h")
	f.StringVar(&c.pool, "pool", "", "`POOL` whose slots it takes")
	f.IntVar(&c.poolSlots, "pool-slots", 1, "take `N` slots of the pool")
	f.BoolVar(&c.ignoreResult, "ignore-result", false, "keep the state but not the result")
	f.StringVar(&c.resultTTL, "result-ttl", "", "how long the result is kept, a `DURATION` (default 24h)")
	f.IntVar(&c.version, "version", 0, "version `N` of the module (default the newest)")
	f.StringVar(&c.shadow, "shadow", "", "`NAME` that is shown in the task's place")
	f.StringSliceVar(&c.redact, "redact", nil, "`PATHS` such as kwargs.password and args.0 that are shown as ***")
	f.StringSliceVar(&c.expected, "expected", nil, "error `TYPES` that are no surprise")
	f.StringToStringVar(&c.labels, "label", nil, "label as `NAME=VALUE`; repeat it for more")
	f.StringArrayVar(&c.headers, "header", nil, "header as `NAME=JSON`; repeat it for more")
	f.StringVar(&c.stdout, "stdout", "", "`HOW` a command's stdout becomes the result: auto, json or text (default auto)")
	f.Lookup("label").DefValue = "" // not "[]", which help would show
	complete(cmd, "ack", "late", "early")
	complete(cmd, "retry-jitter", "full", "equal", "none")
	complete(cmd, "stdout", "auto", "json", "text")
}

// call makes the call that the flags describe. Every error is one of usage and
// names the flag.
func (c *callFlags) call(task string, set *pflag.FlagSet, stdin io.Reader) (windrow.Call, error) {
	call := windrow.Call{
		Task: taskName(task), Queue: c.queue, Ack: c.ack, IdempotencyKey: c.idempotencyKey, UniqueKey: c.uniqueKey,
		FairnessKey: c.fairnessKey, Pool: c.pool, IgnoreResult: c.ignoreResult, Version: c.version,
		Labels: c.labels, Output: c.stdout, Shadow: c.shadow, Redact: c.redact, Expected: c.expected,
	}
	changed := func(name string) bool { return set.Changed(name) }
	if changed("priority") {
		call.Priority = &c.priority
	}
	if changed("max-deliveries") {
		call.MaxDeliveries = &c.maxDeliveries
	}
	if changed("pool-slots") {
		call.PoolSlots = &c.poolSlots
	}
	if c.concurrencyKey != "" {
		call.ConcurrencyKey = &wire.ConcurrencyKey{Key: c.concurrencyKey, Limit: c.concurrencyLimit}
	} else if changed("concurrency-limit") {
		return call, usagef("--concurrency-limit needs --concurrency-key")
	}
	p := &flagParser{}
	call.Countdown = optional(p, "countdown", c.countdown, wire.ParseDuration)
	call.ETA = optional(p, "eta", c.eta, wire.ParseTime)
	call.Expires = optional(p, "expires", c.expires, wire.ParseExpires)
	call.Timeout = optional(p, "timeout", c.timeout, wire.ParseDuration)
	call.SoftTimeout = optional(p, "soft-timeout", c.softTimeout, wire.ParseDuration)
	call.Memory = optional(p, "memory", c.memory, wire.ParseSize)
	c.pace(p, &call)
	call.RateLimit = optional(p, "rate-limit", c.rateLimit, wire.ParseRate)
	call.ResultTTL = optional(p, "result-ttl", c.resultTTL, wire.ParseDuration)
	call.Retry = c.policy(p, changed)
	if p.err != nil {
		return call, p.err
	}
	if err := c.values(&call, stdin); err != nil {
		return call, err
	}
	return call, check(call)
}

// pace fills in what the call says of others with its keys.
func (c *callFlags) pace(p *flagParser, call *windrow.Call) {
	wait := optional(p, "debounce-wait", c.debounceWait, wire.ParseDuration)
	most := optional(p, "debounce-max-wait", c.debounceMaxWait, wire.ParseDuration)
	every := optional(p, "throttle-every", c.throttleEvery, wire.ParseDuration)
	switch {
	case (c.debounce == "") != (wait == nil) && p.err == nil:
		p.fail("debounce-key", errors.New("and --debounce-wait need each other"))
	case most != nil && wait == nil:
		p.fail("debounce-max-wait", errors.New("needs --debounce-key and --debounce-wait"))
	case (c.throttle == "") != (every == nil) && p.err == nil:
		p.fail("throttle-key", errors.New("and --throttle-every need each other"))
	}
	if wait != nil {
		call.Debounce = &wire.Debounce{Key: c.debounce, Wait: *wait, MaxWait: most}
	}
	if every != nil {
		call.Throttle = &wire.Throttle{Key: c.throttle, Every: *every}
	}
}

// policy is nil where no retry flag was given, so that the default holds.
func (c *callFlags) policy(p *flagParser, changed func(string) bool) *windrow.Retry {
	r := &windrow.Retry{Max: c.retry, Jitter: c.jitter, On: c.retryOn, NotOn: c.retryNotOn}
	r.Backoff = optional(p, "retry-backoff", c.backoff, wire.ParseDuration)
	r.MaxBackoff = optional(p, "retry-max-backoff", c.maxBackoff, wire.ParseDuration)
	if changed("retry-factor") {
		r.Factor = &c.factor
	}
	if changed("retry") {
		return r
	}
	for _, name := range []string{"backoff", "factor", "max-backoff", "jitter", "on", "not-on"} {
		if changed("retry-" + name) {
			p.fail("retry-"+name, fmt.Errorf("needs --retry N, the number of retries"))
		}
	}
	return nil
}

// values fills in what the task is given.
func (c *callFlags) values(call *windrow.Call, stdin io.Reader) error {
	if c.input != "" && c.raw != "" || c.input+c.raw != "" && len(c.args)+len(c.kwargs) > 0 {
		return usagef("--input, --raw, and --arg with --kwarg exclude each other")
	}
	for i, a := range c.args {
		if !json.Valid([]byte(a)) {
			return notJSON(fmt.Sprintf("--arg number %d", i+1), a)
		}
	}
	if len(c.args) > 0 {
		call.Args = json.RawMessage("[" + strings.Join(c.args, ",") + "]")
	}
	var err error
	if call.Kwargs, err = object("kwarg", c.kwargs); err != nil {
		return err
	}
	if call.Headers, err = object("header", c.headers); err != nil {
		return err
	}
	switch {
	case c.input != "":
		text, err := source("input", c.input, stdin)
		if err != nil {
			return err
		}
		if !json.Valid(text) {
			return notJSON("--input", string(text))
		}
		call.Input = text
	case c.raw != "":
		text, err := source("raw", c.raw, stdin)
		if err != nil {
			return err
		}
		if !utf8.Valid(text) {
			return usagef("--raw: a guest's input is UTF-8 text, and this is not; encode it, as base64 for example")
		}
		call.Input, call.Stdin = windrow.JSON(string(text)), "raw"
	}
	return nil
}

// source reads the value of a flag: itself, a file's text or standard input.
func source(flag, value string, stdin io.Reader) ([]byte, error) {
	var b []byte
	var err error
	switch {
	case value == "-":
		b, err = io.ReadAll(stdin)
	case strings.HasPrefix(value, "@"):
		b, err = os.ReadFile(value[1:])
	default:
		return []byte(value), nil
	}
	if err != nil {
		return nil, usagef("--%s: %w", flag, err)
	}
	return b, nil
}

// object makes a JSON object of NAME=JSON pairs, in their order.
func object(flag string, pairs []string) (json.RawMessage, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	var b strings.Builder
	seen := map[string]bool{}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		switch {
		case !ok || name == "":
			return nil, usagef("--%s %s: want NAME=JSON", flag, pair)
		case seen[name]:
			return nil, usagef("--%s %s: %s is given twice", flag, pair, name)
		case !json.Valid([]byte(value)):
			return nil, notJSON("--"+flag+" "+name, value)
		}
		seen[name] = true
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.Write(windrow.JSON(name))
		b.WriteByte(':')
		b.WriteString(value)
	}
	return json.RawMessage("{" + b.String() + "}"), nil
}

func notJSON(what, value string) error {
	if len(strings.Fields(value)) > 0 && !strings.ContainsAny(value, "\"[]{}\n") {
		return usagef("%s: %s is no JSON; a string needs its quotes, and the shell quotes around them: '\"%s\"'", what, short(value, 60), short(value, 60))
	}
	return usagef("%s: %q is no JSON", what, short(value, 60))
}

// flagParser keeps the first fault of several flags.
type flagParser struct{ err error }

func (p *flagParser) fail(flag string, err error) {
	if p.err == nil {
		p.err = usagef("--%s: %w", flag, err)
	}
}

// optional reads the value of a flag that may not have been given.
func optional[T any](p *flagParser, flag, text string, parse func(string) (T, error)) *T {
	if text == "" {
		return nil
	}
	v, err := parse(text)
	if err != nil {
		p.fail(flag, err)
		return nil
	}
	return &v
}

// check reads the call as the server will, so that a wrong value is told with
// its name before anything is sent.
func check(call windrow.Call) error {
	b, err := json.Marshal(call)
	if err != nil {
		return &usageError{err}
	}
	var again windrow.Call
	if err := wire.DecodeCall(b, &again); err != nil {
		return &usageError{err}
	}
	return nil
}

// taskName completes a module's name to its single task.
func taskName(s string) string {
	if s != "" && !strings.Contains(s, ".") {
		return s + ".main"
	}
	return s
}

// parseMoment reads a time, or a duration before now, as people give it to
// filters.
func parseMoment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	e, err := wire.ParseExpires(text)
	if err != nil {
		return time.Time{}, usagef("--%s: %w", flag, err)
	}
	if !e.At.IsZero() {
		return e.At.Time, nil
	}
	return now.Add(-e.In.Std()), nil
}
