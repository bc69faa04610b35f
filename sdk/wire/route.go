package wire

// Route gives options to calls by the name of their task, where neither the
// call nor the module says them.
type Route struct {
	// Match is a pattern of "MODULE.TASK": * is any text, ? one character,
	// [a-z] one of a range.
	Match string `json:"match"`

	Queue         string            `json:"queue,omitempty"`
	Priority      *int              `json:"priority,omitempty"` // 0–9, 9 first
	Timeout       *Duration         `json:"timeout,omitempty"`
	SoftTimeout   *Duration         `json:"soft_timeout,omitempty"`
	Memory        *Size             `json:"memory,omitempty"`
	Retry         *Retry            `json:"retry,omitempty"`
	MaxDeliveries *int              `json:"max_deliveries,omitempty"`
	RateLimit     *Rate             `json:"rate_limit,omitempty"`
	Pool          string            `json:"pool,omitempty"`
	PoolSlots     *int              `json:"pool_slots,omitempty"`
	ResultTTL     *Duration         `json:"result_ttl,omitempty"`
	Labels        map[string]string `json:"labels,omitempty"`
}

// Routes is what GET and PUT /v1/routes carry: the first that matches holds.
type Routes struct {
	Routes []Route `json:"routes"`
}

// Call is a call that says what the route gives, and nothing else.
func (r *Route) Call() Call {
	return Call{Queue: r.Queue, Priority: r.Priority, Timeout: r.Timeout, SoftTimeout: r.SoftTimeout, Memory: r.Memory, Retry: r.Retry,
		MaxDeliveries: r.MaxDeliveries, RateLimit: r.RateLimit, Pool: r.Pool, PoolSlots: r.PoolSlots, ResultTTL: r.ResultTTL, Labels: r.Labels}
}
