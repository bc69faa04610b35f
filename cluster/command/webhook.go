package command

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// HookFilter says which transitions a webhook is told of.
type HookFilter struct {
	// Events are types, such as "task.failure", or their beginnings up to a
	// final dot, such as "run.".
	Events []string
	// Tasks is a pattern of MODULE.TASK with *, Queues are names of queues;
	// empty is all. They choose among the events of tasks only.
	Tasks  string
	Queues []string
}

func (f *HookFilter) write(w *Writer) {
	w.Strings(f.Events)
	w.String(f.Tasks)
	w.Strings(f.Queues)
}

func (f *HookFilter) read(r *Reader) {
	f.Events, f.Tasks, f.Queues = r.Strings(), r.String(), r.Strings()
}

// Webhook is the body of a webhook's document, JSON: what the leader needs to
// deliver, and what readers are shown.
type Webhook struct {
	URL         string   `json:"url"`
	Headers     []string `json:"headers,omitempty"` // names; their values are sealed
	Signed      bool     `json:"signed,omitempty"`  // a secret is sealed
	Timeout     int64    `json:"timeout"`           // of an attempt, nanoseconds
	MaxAttempts uint32   `json:"max_attempts"`      // 0: as many as fit into MaxAge
	MaxAge      int64    `json:"max_age"`           // of an event, nanoseconds
	Concurrency uint32   `json:"concurrency"`
	// Sealed is a WebhookSecrets, JSON, as the keyring closes it.
	Sealed string `json:"sealed,omitempty"`
}

// WebhookSecrets is what a webhook has that nobody reads back.
type WebhookSecrets struct {
	Secret  string            `json:"secret,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

// DeliveryEnd is how an attempt to deliver an event ended.
type DeliveryEnd uint8

// The ends of attempts.
const (
	DeliveryFailed  DeliveryEnd = iota // there will be another attempt
	DeliveryDone                       // the receiver has it
	DeliveryGivenUp                    // there will be none
)

var deliveryEnds = [...]string{"failed", "delivered", "given_up"}

// String gives the name that users see.
func (e DeliveryEnd) String() string { return deliveryEnds[min(int(e), len(deliveryEnds)-1)] }

// MaxDelivered is how many attempts one Delivered tells of at the most.
const MaxDelivered = 100

// Delivered tells how attempts to deliver a webhook's events ended. What it
// tells twice counts once.
type Delivered struct {
	Namespace string
	Name      string
	Attempts  []DeliveryAttempt
	// Disable stops the webhook of this version, and says why.
	Disable string
	Version uint32
}

// DeliveryAttempt is one attempt to deliver one event.
type DeliveryAttempt struct {
	Seq     uint64 // of the event in the webhook's outbox
	Index   uint64 // the event's id is INDEX-N
	N       uint32
	Type    string
	Attempt uint32 // 1 for the first
	End     DeliveryEnd
	At      int64 // T
	Took    int64
	Status  uint32 // of HTTP; 0 without an answer
	Error   string
}

// PingWebhook puts an event into a webhook's outbox that only tells that it
// works.
type PingWebhook struct {
	Namespace string
	Name      string
	Idem      *Idempotency
}

// Outbox is where a webhook's deliveries stand, for readers and the leader.
type Outbox struct {
	Namespace string
	Name      string
	Version   uint32 // of the document
	Paused    bool
	Disabled  string // why the receiver or the leader stopped it
	// First is the oldest event that may be pending, Next the number of the next
	// one to come. Slots tell of those between that were tried, in order.
	First, Next uint64
	Slots       []OutboxSlot
	Pending     uint64
	Delivered   uint64
	GivenUp     uint64
	Dropped     uint64 // since too many were pending
}

// OutboxSlot is an event that was tried.
type OutboxSlot struct {
	Seq   uint64
	Tries uint32
	Done  bool
}

// Verb implements Command.
func (*Delivered) Verb() Verb { return VerbDelivered }

// Verb implements Command.
func (*PingWebhook) Verb() Verb { return VerbPingWebhook }

func (c *Delivered) write(w *Writer) {
	w.String(c.Namespace)
	w.String(c.Name)
	w.Uint(uint64(len(c.Attempts)))
	for i := range c.Attempts {
		c.Attempts[i].write(w)
	}
	w.String(c.Disable)
	w.Uint(uint64(c.Version))
}

func (c *Delivered) read(r *Reader) {
	c.Namespace, c.Name = r.String(), r.String()
	if n := r.Count(10); n > 0 {
		c.Attempts = make([]DeliveryAttempt, n)
		for i := range c.Attempts {
			c.Attempts[i].read(r)
		}
	}
	c.Disable, c.Version = r.String(), r.Uint32()
}

func (a *DeliveryAttempt) write(w *Writer) {
	w.Uint(a.Seq)
	w.Uint(a.Index)
	w.Uint(uint64(a.N))
	w.String(a.Type)
	w.Uint(uint64(a.Attempt))
	w.Byte(byte(a.End))
	w.Int(a.At)
	w.Int(a.Took)
	w.Uint(uint64(a.Status))
	w.String(a.Error)
}

func (a *DeliveryAttempt) read(r *Reader) {
	a.Seq, a.Index, a.N, a.Type = r.Uint(), r.Uint(), r.Uint32(), r.String()
	a.Attempt, a.End, a.At, a.Took = r.Uint32(), DeliveryEnd(r.Byte()), r.Int(), r.Int()
	a.Status, a.Error = r.Uint32(), r.String()
}

// Append writes an attempt as the machine stores it.
func (a *DeliveryAttempt) Append(dst []byte) []byte {
	w := &Writer{b: dst}
	a.write(w)
	return w.b
}

// DecodeDeliveryAttempt is the inverse of Append.
func DecodeDeliveryAttempt(b []byte) (DeliveryAttempt, error) {
	r := &Reader{b: b}
	var a DeliveryAttempt
	a.read(r)
	return a, r.Err("attempt to deliver")
}

func (c *PingWebhook) write(w *Writer) {
	w.String(c.Namespace)
	w.String(c.Name)
	c.Idem.write(w)
}

func (c *PingWebhook) read(r *Reader) {
	c.Namespace, c.Name = r.String(), r.String()
	c.Idem = readLastIdem(r)
}

// SecretPrefix begins a secret that is written as Standard Webhooks do, the rest
// being its bytes in base64.
const SecretPrefix = "whsec_"

// SigningKey gives the bytes that a webhook's secret stands for.
func SigningKey(secret string) ([]byte, error) {
	text, encoded := strings.CutPrefix(secret, SecretPrefix)
	if !encoded {
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("a secret that begins with %s goes on in base64: %w", SecretPrefix, err)
	}
	return key, nil
}
