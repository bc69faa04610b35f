package guest

import (
	"fmt"
	"log/slog"
	"time"
)

// Option is a setting of a task: a default for calls of it that do not say
// otherwise, or what the module says of it.
type Option interface{ apply(*settings) }

// option is an Option by a function.
type option func(*settings)

func (o option) apply(s *settings) { o(s) }

// settings are what a task's options come to.
type settings struct {
	description  string
	capabilities []string
	open         bool
	level        slog.Level
	defaults     defaults
	given        bool // a default is
	faults       []error
}

// defaults are options of a call, by the names that a call has for them.
type defaults struct {
	Queue          string            `json:"queue,omitempty"`
	Priority       *int              `json:"priority,omitempty"`
	Expires        string            `json:"expires,omitempty"`
	Timeout        string            `json:"timeout,omitempty"`
	SoftTimeout    string            `json:"soft_timeout,omitempty"`
	Memory         int64             `json:"memory,omitempty"`
	Retry          *Policy           `json:"retry,omitempty"`
	Ack            string            `json:"ack,omitempty"`
	MaxDeliveries  int               `json:"max_deliveries,omitempty"`
	ConcurrencyKey *concurrency      `json:"concurrency_key,omitempty"`
	RateLimit      string            `json:"rate_limit,omitempty"`
	Pool           string            `json:"pool,omitempty"`
	PoolSlots      int               `json:"pool_slots,omitempty"`
	IgnoreResult   bool              `json:"ignore_result,omitempty"`
	ResultTTL      string            `json:"result_ttl,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
	Redact         []string          `json:"redact,omitempty"`
	Expected       []string          `json:"expected,omitempty"`
}

type concurrency struct {
	Key   string `json:"key"`
	Limit int    `json:"limit"`
}

// by makes an option of a change of the defaults.
func by(change func(*defaults)) Option {
	return option(func(s *settings) { s.given = true; change(&s.defaults) })
}

// wrong notes a fault, which Manifest tells.
func wrong(format string, args ...any) Option {
	return option(func(s *settings) { s.faults = append(s.faults, fmt.Errorf(format, args...)) })
}

// span makes an option of a duration.
func span(what string, d time.Duration, change func(*defaults, string)) Option {
	if d <= 0 {
		return wrong("%s is %s; it is more than 0", what, d)
	}
	return by(func(to *defaults) { change(to, d.String()) })
}

// Description says what the task does, for people.
func Description(text string) Option { return option(func(s *settings) { s.description = text }) }

// Capabilities names what the task asks of its host, to be granted by the
// namespace that it runs in.
func Capabilities(names ...string) Option {
	return option(func(s *settings) { s.capabilities = append(s.capabilities, names...) })
}

// AllowUnknown lets callers give properties that the input's structs do not
// have. Without it they are refused at submission, as misspelt.
func AllowUnknown() Option { return option(func(s *settings) { s.open = true }) }

// LogLevel is the least level that Context.Log writes, slog.LevelInfo unless
// given.
func LogLevel(level slog.Level) Option { return option(func(s *settings) { s.level = level }) }

// Queue is the queue that the task waits in.
func Queue(name string) Option { return by(func(d *defaults) { d.Queue = name }) }

// Priority is from 0 to 9, 9 first; calls without one have 5.
func Priority(n int) Option {
	if n < 0 || n > 9 {
		return wrong("priority is %d; it is from 0 to 9", n)
	}
	return by(func(d *defaults) { d.Priority = &n })
}

// Timeout is when an attempt is killed.
func Timeout(d time.Duration) Option {
	return span("timeout", d, func(to *defaults, s string) { to.Timeout = s })
}

// SoftTimeout is when the attempt's Context ends, so that it can finish.
func SoftTimeout(d time.Duration) Option {
	return span("soft_timeout", d, func(to *defaults, s string) { to.SoftTimeout = s })
}

// Expires is how long a task may wait for its first attempt.
func Expires(d time.Duration) Option {
	return span("expires", d, func(to *defaults, s string) { to.Expires = s })
}

// ResultTTL is how long the result is kept.
func ResultTTL(d time.Duration) Option {
	return span("result_ttl", d, func(to *defaults, s string) { to.ResultTTL = s })
}

// Redact keeps parts of what the task is given from readers, by paths such as
// "kwargs.password", "args.0" and "input.token".
func Redact(paths ...string) Option {
	return by(func(d *defaults) { d.Redact = append(d.Redact, paths...) })
}

// Expected names error types that are no surprise: they are marked so.
func Expected(types ...string) Option {
	return by(func(d *defaults) { d.Expected = append(d.Expected, types...) })
}

// IgnoreResult keeps no result.
func IgnoreResult() Option { return by(func(d *defaults) { d.IgnoreResult = true }) }

// Memory is the limit of an attempt's memory in bytes.
func Memory(bytes int64) Option {
	if bytes <= 0 {
		return wrong("memory is %d; it is more than 0 bytes", bytes)
	}
	return by(func(d *defaults) { d.Memory = bytes })
}

// AckEarly runs a task at most once: what was lost with its worker is not run
// again.
func AckEarly() Option { return by(func(d *defaults) { d.Ack = "early" }) }

// MaxDeliveries is how many workers a task may be lost with.
func MaxDeliveries(n int) Option {
	if n < 1 {
		return wrong("max_deliveries is %d; it is at least 1", n)
	}
	return by(func(d *defaults) { d.MaxDeliveries = n })
}

// RateLimit starts so many of this task over the whole cluster: "10/s",
// "100/m", "5000/h".
func RateLimit(rate string) Option { return by(func(d *defaults) { d.RateLimit = rate }) }

// ConcurrencyKey runs at most limit tasks with the key at a time.
func ConcurrencyKey(key string, limit int) Option {
	if limit < 1 {
		return wrong("the limit of the concurrency key is %d; it is at least 1", limit)
	}
	return by(func(d *defaults) { d.ConcurrencyKey = &concurrency{key, limit} })
}

// Pool takes so many slots of a pool while the task runs.
func Pool(name string, slots int) Option {
	if slots < 1 {
		return wrong("pool_slots is %d; it is at least 1", slots)
	}
	return by(func(d *defaults) { d.Pool, d.PoolSlots = name, slots })
}

// Label marks the task, for those who list tasks.
func Label(key, value string) Option {
	return by(func(d *defaults) {
		if d.Labels == nil {
			d.Labels = map[string]string{}
		}
		d.Labels[key] = value
	})
}

// Policy says whether and when a failed attempt is tried again. As an option it
// is the task's default.
type Policy struct {
	Max        int // retries after the first attempt
	Backoff    time.Duration
	Factor     float64 // growth of the delay a retry
	MaxBackoff time.Duration
	Jitter     string   // full, equal or none
	On         []string // error types that are retried; none is all
	NotOn      []string // error types that are not
}

func (p Policy) apply(s *settings) {
	if p.Max < 0 || p.Backoff < 0 || p.MaxBackoff < 0 || p.Factor < 0 {
		s.faults = append(s.faults, fmt.Errorf("the retry policy has a negative number"))
	}
	s.given, s.defaults.Retry = true, &p
}

// MarshalJSON leaves out what is zero, for which a call has defaults.
func (p Policy) MarshalJSON() ([]byte, error) {
	w := struct {
		Max        int      `json:"max"`
		Backoff    string   `json:"backoff,omitempty"`
		Factor     float64  `json:"factor,omitempty"`
		MaxBackoff string   `json:"max_backoff,omitempty"`
		Jitter     string   `json:"jitter,omitempty"`
		On         []string `json:"on,omitempty"`
		NotOn      []string `json:"not_on,omitempty"`
	}{Max: p.Max, Factor: p.Factor, Jitter: p.Jitter, On: p.On, NotOn: p.NotOn}
	if p.Backoff > 0 {
		w.Backoff = p.Backoff.String()
	}
	if p.MaxBackoff > 0 {
		w.MaxBackoff = p.MaxBackoff.String()
	}
	return encode(w)
}
