package wire

import (
	"slices"
	"strconv"
	"strings"
)

// Bounds of what one call may hold.
const (
	maxLinks      = 1000
	maxLabels     = 64
	maxErrorTypes = 100
	maxRedact     = 32
	maxRetries    = 1_000_000
	maxFactor     = 1000
	maxSlots      = 1<<31 - 1
	maxVersion    = 1<<31 - 1
)

// call reads one call into c, which must be zero.
func (s *scanner) call(c *Call, depth int) error {
	if s.peek() != '{' {
		return s.want(`a call such as {"task": "MODULE.TASK", "args": []}`)
	}
	if depth >= MaxDepth {
		return s.fail("nesting deeper than 200 levels")
	}
	s.i++
	var seen uint64
	for first := true; ; first = false {
		name, ok, err := s.member(first)
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		place, err := s.callField(c, name, depth+1)
		if err != nil {
			return InField(string(name), err)
		}
		if place < 0 {
			return unknownField(string(name), callFields)
		}
		if seen&(1<<place) != 0 {
			return &FieldError{Field: string(name), Reason: "is given twice; give it once"}
		}
		seen |= 1 << place
	}
}

// callField reads the value of one field and tells the field's place in
// callFields, -1 for a name that is none. A null is as if nothing was given,
// but for input.
func (s *scanner) callField(c *Call, name []byte, depth int) (place int, err error) {
	if string(name) != "input" && s.null() {
		return placeOf(name), nil
	}
	switch string(name) {
	case "task":
		c.Task, err = s.string()
		return 0, err
	case "args":
		if s.peek() != '[' {
			return 1, s.want("a list")
		}
		c.Args, err = s.raw(depth)
		return 1, err
	case "kwargs":
		c.Kwargs, err = s.object(depth)
		return 2, err
	case "input":
		c.Input, err = s.raw(depth)
		return 3, err
	case "queue":
		c.Queue, err = s.string()
		return 4, err
	case "priority":
		c.Priority, err = some(s.int(0, 9))
		return 5, err
	case "countdown":
		c.Countdown, err = some(s.duration())
		return 6, err
	case "eta":
		c.ETA, err = some(s.time())
		return 7, err
	case "expires":
		c.Expires, err = some(s.expires())
		return 8, err
	case "timeout":
		c.Timeout, err = some(s.duration())
		return 9, err
	case "soft_timeout":
		c.SoftTimeout, err = some(s.duration())
		return 10, err
	case "memory":
		c.Memory, err = some(s.size())
		return 11, err
	case "retry":
		c.Retry, err = s.retry()
		return 12, err
	case "ack":
		c.Ack, err = s.choice("late", "early")
		return 13, err
	case "max_deliveries":
		c.MaxDeliveries, err = some(s.int(1, 10_000))
		return 14, err
	}
	return s.keyField(c, name, depth)
}

func (s *scanner) keyField(c *Call, name []byte, depth int) (place int, err error) {
	switch string(name) {
	case "idempotency_key":
		c.IdempotencyKey, err = s.string()
		return 15, err
	case "unique_key":
		c.UniqueKey, err = s.string()
		return 16, err
	case "concurrency_key":
		c.ConcurrencyKey, err = some(s.concurrencyKey())
		return 17, err
	case "fairness_key":
		c.FairnessKey, err = s.string()
		return 18, err
	case "rate_limit":
		c.RateLimit, err = some(s.rate())
		return 19, err
	case "pool":
		c.Pool, err = s.string()
		return 20, err
	case "pool_slots":
		c.PoolSlots, err = some(s.int(1, maxSlots))
		return 21, err
	case "link":
		c.Link, err = s.canvases(depth, maxLinks)
		return 22, err
	case "link_error":
		c.LinkError, err = s.canvases(depth, maxLinks)
		return 23, err
	case "ignore_result":
		c.IgnoreResult, err = s.bool()
		return 24, err
	case "result_ttl":
		c.ResultTTL, err = some(s.duration())
		return 25, err
	case "immutable":
		c.Immutable, err = s.bool()
		return 26, err
	case "version":
		c.Version, err = s.int(1, maxVersion)
		return 27, err
	case "labels":
		c.Labels, err = s.labels(maxLabels)
		return 28, err
	case "headers":
		c.Headers, err = s.object(depth)
		return 29, err
	case "stdin":
		c.Stdin, err = s.choice("json", "raw")
		return 30, err
	case "output":
		c.Output, err = s.choice("auto", "json", "text")
		return 31, err
	}
	return s.shownField(c, name)
}

// shownField reads what paces calls and what people see of them.
func (s *scanner) shownField(c *Call, name []byte) (place int, err error) {
	switch string(name) {
	case "debounce":
		c.Debounce, err = some(s.debounce())
		return 32, err
	case "throttle":
		c.Throttle, err = some(s.throttle())
		return 33, err
	case "shadow":
		c.Shadow, err = s.string()
		return 34, err
	case "redact":
		c.Redact, err = s.strings(maxRedact)
		return 35, err
	case "expected":
		c.Expected, err = s.strings(maxErrorTypes)
		return 36, err
	}
	return -1, nil
}

func placeOf(name []byte) int {
	for i, f := range callFields {
		if f == string(name) {
			return i
		}
	}
	return -1
}

func some[T any](v T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// choice reads one of a few names.
func (s *scanner) choice(names ...string) (string, error) {
	v, err := s.string()
	if err != nil {
		return "", err
	}
	if slices.Contains(names, v) {
		return v, nil
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	last := len(names) - 1
	return "", reason("want %s or %s, got %q", strings.Join(quoted[:last], ", "), quoted[last], clip(v))
}

var retryFields = []string{"max", "backoff", "factor", "max_backoff", "jitter", "on", "not_on"}

// retry reads a policy; a bare whole number is its max.
func (s *scanner) retry() (*Retry, error) {
	r := &Retry{}
	switch c := s.peek(); {
	case c == '{':
		s.i++
	case c >= '0' && c <= '9':
		n, err := s.int(0, maxRetries)
		r.Max = n
		return r, err
	default:
		return nil, s.want(`a policy such as {"max": 3, "backoff": "1s"}`)
	}
	for first := true; ; first = false {
		name, ok, err := s.member(first)
		if err != nil || !ok {
			return r, err
		}
		if err := s.retryField(r, string(name)); err != nil {
			return nil, err
		}
	}
}

func (s *scanner) retryField(r *Retry, name string) (err error) {
	if slices.Contains(retryFields, name) && s.null() {
		return nil
	}
	switch name {
	case "max":
		r.Max, err = s.int(0, maxRetries)
	case "backoff":
		r.Backoff, err = some(s.duration())
	case "factor":
		r.Factor, err = some(s.float(1, maxFactor))
	case "max_backoff":
		r.MaxBackoff, err = some(s.duration())
	case "jitter":
		r.Jitter, err = s.choice("full", "equal", "none")
	case "on":
		r.On, err = s.strings(maxErrorTypes)
	case "not_on":
		r.NotOn, err = s.strings(maxErrorTypes)
	default:
		return unknownField(name, retryFields)
	}
	return InField(name, err)
}
