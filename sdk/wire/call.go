package wire

import (
	"bytes"
	"encoding/json"
)

// Call asks for one task. Only Task must be given. What is nil, empty or zero
// is not sent and has the default of the contract.
type Call struct {
	Task string `json:"task"` // "MODULE.TASK"

	// Args and Kwargs, or Input, are what the task is given. A nil one is
	// not given; the JSON null is a value for Input alone.
	Args   json.RawMessage `json:"args,omitempty"`   // a JSON array
	Kwargs json.RawMessage `json:"kwargs,omitempty"` // a JSON object
	Input  json.RawMessage `json:"input,omitempty"`  // any JSON

	Queue    string `json:"queue,omitempty"`
	Priority *int   `json:"priority,omitempty"` // 0–9, 9 first

	Countdown *Duration `json:"countdown,omitempty"`
	ETA       *Time     `json:"eta,omitempty"`
	Expires   *Expires  `json:"expires,omitempty"`

	Timeout     *Duration `json:"timeout,omitempty"`
	SoftTimeout *Duration `json:"soft_timeout,omitempty"`
	Memory      *Size     `json:"memory,omitempty"` // of an attempt; 64 MiB
	Retry       *Retry    `json:"retry,omitempty"`

	Ack           string `json:"ack,omitempty"` // "late" or "early"
	MaxDeliveries *int   `json:"max_deliveries,omitempty"`

	IdempotencyKey string          `json:"idempotency_key,omitempty"`
	UniqueKey      string          `json:"unique_key,omitempty"`
	ConcurrencyKey *ConcurrencyKey `json:"concurrency_key,omitempty"`
	FairnessKey    string          `json:"fairness_key,omitempty"`
	Debounce       *Debounce       `json:"debounce,omitempty"`
	Throttle       *Throttle       `json:"throttle,omitempty"`
	RateLimit      *Rate           `json:"rate_limit,omitempty"`
	Pool           string          `json:"pool,omitempty"`
	PoolSlots      *int            `json:"pool_slots,omitempty"`

	// Link is run with the result, LinkError with what is known of the failure.
	Link      []Canvas `json:"link,omitempty"`
	LinkError []Canvas `json:"link_error,omitempty"`

	IgnoreResult bool      `json:"ignore_result,omitempty"`
	ResultTTL    *Duration `json:"result_ttl,omitempty"`

	Immutable bool              `json:"immutable,omitempty"`
	Version   int               `json:"version,omitempty"` // of the module; 0 is the newest
	Labels    map[string]string `json:"labels,omitempty"`
	Headers   json.RawMessage   `json:"headers,omitempty"` // a JSON object
	Shadow    string            `json:"shadow,omitempty"`  // the name that people see in the task's place
	// Redact are paths such as "args.0" and "kwargs.password" of what the task
	// is given and readers are not shown.
	Redact []string `json:"redact,omitempty"`
	// Expected are the error types that are no surprise.
	Expected []string `json:"expected,omitempty"`
	Stdin    string   `json:"stdin,omitempty"`  // "json" or "raw"
	Output   string   `json:"output,omitempty"` // "auto", "json" or "text"
}

// callFields are the names of a call's fields, for those who mistype one.
var callFields = []string{"task", "args", "kwargs", "input", "queue", "priority", "countdown", "eta",
	"expires", "timeout", "soft_timeout", "memory", "retry", "ack", "max_deliveries", "idempotency_key",
	"unique_key", "concurrency_key", "fairness_key", "rate_limit", "pool", "pool_slots", "link",
	"link_error", "ignore_result", "result_ttl", "immutable", "version", "labels", "headers", "stdin", "output",
	"debounce", "throttle", "shadow", "redact", "expected"}

// UnmarshalJSON reads a call strictly: an unknown or repeated field, a value of
// the wrong type and a nesting deeper than MaxDepth are refused.
func (c *Call) UnmarshalJSON(b []byte) error {
	return DecodeCall(bytes.Clone(b), c)
}

// DecodeCall is UnmarshalJSON without its copy: Args, Kwargs, Input and
// Headers alias b. It checks all of b, so no other reading need come before.
func DecodeCall(b []byte, c *Call) error {
	s := scanner{b: b}
	if err := s.utf8(); err != nil {
		return err
	}
	*c = Call{}
	if err := s.call(c, 0); err != nil {
		return err
	}
	return s.end()
}
