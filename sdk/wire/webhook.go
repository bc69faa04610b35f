package wire

// WebhookSettings is the body of PUT /v1/webhooks/{name}.
type WebhookSettings struct {
	URL string `json:"url"` // http or https; events are sent there by POST
	// Events are types of events such as "task.failure" and "run.success", or
	// their beginnings up to the dot, such as "run.".
	Events []string `json:"events"`
	Tasks  string   `json:"tasks,omitempty"`  // of tasks' events only those of MODULE.TASK that fit this pattern with *
	Queues []string `json:"queues,omitempty"` // of tasks' events only those of these queues
	// Secret signs what is sent: "whsec_" and base64, or any text of 16 to 256
	// bytes. It is never read back. Without the field the webhook keeps the secret
	// that it has; "" takes it away.
	Secret *string `json:"secret,omitempty"`
	// Headers are sent along; their values are never read back. Without the field
	// the webhook keeps those that it has; {} takes them away.
	Headers     map[string]string `json:"headers,omitempty"`
	Active      *bool             `json:"active,omitempty"`       // false stops it; true
	Timeout     *Duration         `json:"timeout,omitempty"`      // of an attempt; 10s
	MaxAttempts *uint32           `json:"max_attempts,omitempty"` // after which an event is given up; 0, as many as fit into max_age
	MaxAge      *Duration         `json:"max_age,omitempty"`      // of an event, after which it is given up; 24h
	// Concurrency is how many events may be under way; with more than one their
	// order is not kept; 1.
	Concurrency *uint32 `json:"concurrency,omitempty"`
}

// Webhook is a webhook as GET /v1/webhooks/{name} shows it.
type Webhook struct {
	Name        string   `json:"name"`
	Version     uint32   `json:"version"`
	URL         string   `json:"url"`
	Events      []string `json:"events"`
	Tasks       string   `json:"tasks,omitempty"`
	Queues      []string `json:"queues,omitempty"`
	Signed      bool     `json:"signed"`            // it has a secret
	Headers     []string `json:"headers,omitempty"` // their names
	Active      bool     `json:"active"`
	Disabled    string   `json:"disabled,omitempty"` // why it was stopped; putting it again starts it
	Timeout     Duration `json:"timeout"`
	MaxAttempts uint32   `json:"max_attempts"`
	MaxAge      Duration `json:"max_age"`
	Concurrency uint32   `json:"concurrency"`
	Pending     uint64   `json:"pending"`   // events that have yet to be delivered
	Delivered   uint64   `json:"delivered"` // those that the receiver has
	GivenUp     uint64   `json:"given_up"`  // those that it would not take
	Dropped     uint64   `json:"dropped"`   // those that others pushed out since 100,000 were pending
	UpdatedAt   Time     `json:"updated_at,omitzero"`
}

// WebhookDelivery is an attempt to deliver an event.
type WebhookDelivery struct {
	Event   string  `json:"event"` // INDEX-N
	Type    string  `json:"type"`
	Attempt uint32  `json:"attempt"`
	State   string  `json:"state"` // "delivered", "failed" or "given_up"
	At      Time    `json:"at"`
	TookMS  float64 `json:"took_ms"`
	Status  uint32  `json:"status,omitempty"` // of HTTP; none without an answer
	Error   string  `json:"error,omitempty"`
}
