package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// Bounds of a call beside those of Limits.
const (
	maxKey     = 512
	maxHeaders = 16 << 10
	maxLabel   = 256
	minMemory  = 64 << 10
	minTTL     = time.Second
)

// wrong is a fault of one field.
func wrong(field, why string) error { return &wire.FieldError{Field: field, Reason: why} }

// specOf resolves every option that calls of one kind have in common; nothing
// is left for the machine to fill in.
func specOf(namespace string, c *wire.Call, l *Limits) (queue.Spec, error) {
	module, task, err := splitTask(c.Task)
	if err != nil {
		return queue.Spec{}, err
	}
	s := queue.DefaultSpec(namespace, module, task)
	s.Version = uint32(c.Version)
	s.AckEarly = c.Ack == "early"
	s.IgnoreResult = c.IgnoreResult
	if c.Queue != "" {
		s.Queue = c.Queue
		if !isLine(s.Queue) {
			return s, wrong("queue", "is no queue's name; "+nameRules["queue"])
		}
	}
	if c.Priority != nil {
		s.Priority = uint8(*c.Priority)
	}
	if c.MaxDeliveries != nil {
		s.MaxDeliveries = uint16(*c.MaxDeliveries)
	}
	if c.Output != "" {
		s.Output, _ = queue.ParseOutput(c.Output)
	}
	if c.RateLimit != nil {
		s.Rate = queue.Rate{N: c.RateLimit.N, Per: int64(c.RateLimit.Per)}
	}
	for _, set := range [...]func(*queue.Spec, *wire.Call, *Limits) error{setTimes, setRoom, setRetry, setExpected} {
		if err := set(&s, c, l); err != nil {
			return s, err
		}
	}
	return s, nil
}

// splitTask cuts "MODULE.TASK" at the first dot.
func splitTask(name string) (module, task string, err error) {
	module, task, dotted := strings.Cut(name, ".")
	switch {
	case name == "":
		return "", "", wrong("task", `is missing; name one as "MODULE.TASK"`)
	case !isName(module):
		return "", "", wrong("task", `"`+clip(name)+`" does not begin with a module's name; write "MODULE.TASK", where MODULE is a lower-case letter and then a-z, 0-9, _ and -`)
	case !dotted:
		return "", "", wrong("task", `"`+clip(name)+`" names no task of the module; write "MODULE.TASK", for a command module "`+clip(name)+`.main"`)
	case !isTask(task):
		return "", "", wrong("task", `"`+clip(name)+`" does not end with a task's name; after the first dot come a letter or _ and then A-Z, a-z, 0-9, _, . and -`)
	}
	return module, task, nil
}

func setTimes(s *queue.Spec, c *wire.Call, l *Limits) error {
	if c.Timeout != nil {
		if *c.Timeout <= 0 || c.Timeout.Std() > l.TaskTimeout {
			return wrong("timeout", "is "+c.Timeout.String()+"; it is more than 0 and at most "+wire.Duration(l.TaskTimeout).String())
		}
		s.Timeout = int64(*c.Timeout)
	}
	if c.SoftTimeout != nil {
		if *c.SoftTimeout <= 0 || int64(*c.SoftTimeout) >= s.Timeout {
			return wrong("soft_timeout", "is "+c.SoftTimeout.String()+"; it is more than 0 and less than timeout, "+wire.Duration(s.Timeout).String())
		}
		s.SoftTimeout = int64(*c.SoftTimeout)
	}
	if c.ResultTTL != nil {
		if c.ResultTTL.Std() < minTTL {
			return wrong("result_ttl", "is "+c.ResultTTL.String()+"; it is at least 1s; to keep no result set ignore_result")
		}
		s.ResultTTL = int64(*c.ResultTTL)
	}
	return nil
}

func setRoom(s *queue.Spec, c *wire.Call, l *Limits) error {
	if c.Memory != nil {
		if *c.Memory < minMemory || int64(*c.Memory) > l.Memory {
			return wrong("memory", "is out of bounds; an attempt has from 64KiB to "+mib(l.Memory))
		}
		s.Memory = int64(*c.Memory)
	}
	if c.Pool != "" {
		if !isLine(c.Pool) {
			return wrong("pool", "is no pool's name; "+nameRules["pool"])
		}
		s.Pool = c.Pool
	}
	if c.PoolSlots != nil {
		if c.Pool == "" {
			return wrong("pool_slots", "is given without pool; name the pool whose slots they are")
		}
		s.PoolSlots = uint32(*c.PoolSlots)
	}
	return nil
}

func mib(n int64) string {
	b, _ := json.Marshal(n >> 20) // an integer always has a JSON form
	return string(b) + "MiB"
}

func setRetry(s *queue.Spec, c *wire.Call, _ *Limits) error {
	r := c.Retry
	if r == nil {
		return nil
	}
	s.Retry.Given = true
	s.Retry.Max = uint32(r.Max)
	if r.Backoff != nil {
		s.Retry.Backoff = int64(*r.Backoff)
	}
	if r.Factor != nil {
		s.Retry.FactorMil = uint32(math.Round(*r.Factor * 1000))
	}
	if r.MaxBackoff != nil {
		if *r.MaxBackoff == 0 {
			return wrong("retry.max_backoff", `is 0; for retries at once set backoff to 0`)
		}
		s.Retry.MaxBackoff = int64(*r.MaxBackoff)
	}
	switch r.Jitter {
	case "none":
		s.Retry.Jitter = queue.JitterNone
	case "equal":
		s.Retry.Jitter = queue.JitterEqual
	}
	s.Retry.On, s.Retry.NotOn = r.On, r.NotOn
	if err := errorTypes("retry.on", r.On); err != nil {
		return err
	}
	return errorTypes("retry.not_on", r.NotOn)
}

func setExpected(s *queue.Spec, c *wire.Call, _ *Limits) error {
	s.Expected = c.Expected
	return errorTypes("expected", c.Expected)
}

func errorTypes(field string, list []string) error {
	for _, t := range list {
		if t == "" || len(t) > maxLabel {
			return wrong(field, "has an error type that is empty or longer than 256 bytes")
		}
	}
	return nil
}

// callOf resolves what one call has for itself but its id, spec and payload.
func callOf(c *wire.Call) (command.Call, error) {
	var out command.Call
	if c.Countdown != nil && c.ETA != nil {
		return out, wrong("countdown", "is given together with eta; give one of them")
	}
	if c.Countdown != nil {
		out.Countdown = int64(*c.Countdown)
	}
	if c.ETA != nil {
		out.ETA = c.ETA.UnixNano()
	}
	if c.Expires != nil {
		if c.Expires.At.IsZero() && c.Expires.In <= 0 {
			return out, wrong("expires", "is 0; a task that expires at once would never run")
		}
		out.ExpiresIn = int64(c.Expires.In)
		if !c.Expires.At.IsZero() {
			out.ExpiresAt = max(c.Expires.At.UnixNano(), 1)
		}
	}
	out.UniqueKey, out.FairnessKey = c.UniqueKey, c.FairnessKey
	if k := c.ConcurrencyKey; k != nil {
		if k.Key == "" {
			return out, wrong("concurrency_key", "has no key; give a string, or {\"key\": …, \"limit\": …}")
		}
		out.ConcurrencyKey, out.ConcurrencyLimit = k.Key, uint32(max(k.Limit, 1))
	}
	for _, k := range [...]struct{ field, key string }{
		{"unique_key", out.UniqueKey}, {"fairness_key", out.FairnessKey}, {"concurrency_key", out.ConcurrencyKey},
		{"idempotency_key", c.IdempotencyKey}} {
		if len(k.key) > maxKey {
			return out, wrong(k.field, "is longer than 512 bytes; use a hash of it")
		}
	}
	if out.Shadow = c.Shadow; len(out.Shadow) > maxLabel {
		return out, wrong("shadow", "is longer than 256 bytes")
	}
	return out, paceOf(&out, c)
}

// payloadOf checks what the task is given. Its fields alias the call's.
func payloadOf(c *wire.Call, l *Limits) (queue.Payload, error) {
	redact, err := redactOf(c)
	if err != nil {
		return queue.Payload{}, err
	}
	p := queue.Payload{Redact: redact, Args: c.Args, Kwargs: c.Kwargs, Input: c.Input, Headers: c.Headers}
	if c.Input != nil && (c.Args != nil || c.Kwargs != nil) {
		return p, wrong("input", "is given together with args or kwargs; give either input, or args and kwargs")
	}
	if c.Stdin == "raw" {
		if len(c.Input) == 0 || c.Input[0] != '"' {
			return p, wrong("stdin", `"raw" needs an input that is a string`)
		}
		p.Raw = true
	}
	if n := int64(len(c.Input) + len(c.Args) + len(c.Kwargs)); n > l.Value {
		return p, refuse(wire.CodeTooLarge, "the task is given %d bytes and may be given %d; send less, or where to find it", n, l.Value)
	}
	if len(c.Headers) > maxHeaders {
		return p, wrong("headers", "has more than 16 KiB; give large values as input")
	}
	if len(c.Labels) > 0 {
		for k, v := range c.Labels {
			if k == "" || len(k) > maxLabel || len(v) > maxLabel {
				return p, wrong("labels", "has a name that is empty, or a name or value longer than 256 bytes")
			}
		}
		b, err := json.Marshal(c.Labels) // sorted by name
		if err != nil {
			return p, wrong("labels", "cannot be kept: "+err.Error())
		}
		p.Labels = b
	}
	return p, nil
}

// submission gathers calls with their distinct specs, and is what a Submit or
// the parts of a stage are made of.
type submission struct {
	namespace string
	first     queue.ID
	limits    *Limits
	server    *Server
	calls     command.Calls
	specs     map[string]uint32 // by encoding, once there are several calls
	last      []byte            // encoding of the last call's spec
	lastAt    uint32
	scratch   []byte

	// Of a batch: the calls that have callbacks, and which of all they are.
	runs  []*graph
	mixed []bool

	// manner is what the module says of task, the last call's, and route what
	// the namespace's routes say of it.
	manner  *manner
	route   *manner
	task    string
	version int
}

func (s *Server) newSubmission(namespace string) *submission {
	return &submission{namespace: namespace, first: s.ids.next(), limits: &s.cfg.Limits, server: s}
}

// add checks one call. Nothing of it aliases the body it was read from.
func (b *submission) add(ctx context.Context, c *wire.Call) error {
	call, err := b.resolve(ctx, c, givenWhole)
	if err != nil {
		return err
	}
	call.ID = b.first.Plus(uint32(len(b.calls.List)))
	b.calls.List = append(b.calls.List, call)
	return nil
}

// given is how much of what a task is given its call says.
type given uint8

const (
	givenWhole  given = iota
	givenPartly       // a result joins the arguments
	givenLater        // a result is the input
)

// resolve checks one call and gives it all but its id; its spec is among the
// submission's.
func (b *submission) resolve(ctx context.Context, c *wire.Call, g given) (command.Call, error) {
	if err := b.hold(ctx, c, g == givenWhole); err != nil {
		return command.Call{}, err
	}
	spec, err := specOf(b.namespace, c, b.limits)
	if err != nil {
		return command.Call{}, err
	}
	call, err := callOf(c)
	if err != nil {
		return call, err
	}
	raw := g == givenLater && c.Stdin == "raw"
	if raw {
		c.Stdin = "" // what the input is shows later
	}
	p, err := payloadOf(c, b.limits)
	if err != nil {
		return call, err
	}
	p.Raw = p.Raw || raw
	if call.Blobs, err = b.moveOut(ctx, &p); err != nil {
		return call, err
	}
	call.Spec = b.specOf(&spec)
	call.Payload = p.Append(make([]byte, 0, 16+len(p.Args)+len(p.Kwargs)+len(p.Input)+len(p.Blob)+len(p.Labels)+len(p.Headers)))
	return call, nil
}

// hold gives a call its task's defaults, then its route's, and holds its arguments to its schema,
// where it has them all.
func (b *submission) hold(ctx context.Context, c *wire.Call, all bool) error {
	if c.Task != b.task || c.Version != b.version {
		module, task, err := splitTask(c.Task)
		if err != nil {
			return err
		}
		if b.manner, err = b.server.mannerAsked(ctx, b.namespace, module, task, uint32(c.Version)); err != nil {
			return err
		}
		b.route = b.server.routeOf(b.namespace, c.Task)
		b.task, b.version = c.Task, c.Version
	}
	if b.manner != nil && all && (c.Input == nil || c.Args == nil && c.Kwargs == nil) { // else payloadOf refuses it
		if err := b.server.check(ctx, b.manner, c); err != nil {
			return err
		}
	}
	b.manner.fill(c)
	b.route.fill(c)
	return nil
}

// moveOut makes a blob of what is too large to travel in commands: of an input,
// or of args and kwargs as the object that a command reads from its stdin. In
// the latter case Args stays, as an empty list, beside the digest.
func (b *submission) moveOut(ctx context.Context, p *queue.Payload) ([]string, error) {
	var parts []io.Reader
	switch {
	case len(p.Input) > queue.MaxInline:
		parts = []io.Reader{bytes.NewReader(p.Input)}
		p.Input = nil
	case len(p.Args)+len(p.Kwargs) > queue.MaxInline:
		parts = []io.Reader{strings.NewReader(`{"args":`), bytes.NewReader(or(p.Args, "[]")),
			strings.NewReader(`,"kwargs":`), bytes.NewReader(or(p.Kwargs, "{}")), strings.NewReader("}")}
		p.Args, p.Kwargs = []byte("[]"), nil
	default:
		return nil, nil
	}
	digest, _, err := b.server.node.Put(ctx, io.MultiReader(parts...), "")
	if err != nil {
		return nil, err
	}
	p.Blob = digest
	return []string{digest}, nil
}

func (b *submission) push(spec queue.Spec, call command.Call, p *queue.Payload) {
	call.ID = b.first.Plus(uint32(len(b.calls.List)))
	call.Spec = b.specOf(&spec)
	call.Payload = p.Append(make([]byte, 0, 16+len(p.Args)+len(p.Kwargs)+len(p.Input)+len(p.Blob)+len(p.Labels)+len(p.Headers)))
	b.calls.List = append(b.calls.List, call)
}

// specOf finds a spec among those already there, by its encoding.
func (b *submission) specOf(s *queue.Spec) uint32 {
	n := uint32(len(b.calls.Specs))
	switch {
	case n == 0:
		b.calls.Specs = append(b.calls.Specs, *s)
		return 0
	case b.specs == nil:
		b.last = command.AppendSpec(nil, &b.calls.Specs[0])
		b.specs = map[string]uint32{string(b.last): 0}
	}
	b.scratch = command.AppendSpec(b.scratch[:0], s)
	if bytes.Equal(b.scratch, b.last) {
		return b.lastAt
	}
	at, ok := b.specs[string(b.scratch)]
	if !ok {
		at = n
		b.specs[string(b.scratch)] = at
		b.calls.Specs = append(b.calls.Specs, *s)
	}
	b.last, b.scratch, b.lastAt = b.scratch, b.last, at
	return at
}
