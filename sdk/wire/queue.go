package wire

// Queue is a queue with what stands in it.
type Queue struct {
	Name          string  `json:"name"`
	Pending       int     `json:"pending"`
	Scheduled     int     `json:"scheduled"` // wait for a later time
	Running       int     `json:"running"`
	Dead          int     `json:"dead"`
	OldestSeconds float64 `json:"oldest_seconds"` // how long the oldest ready task has waited
	Paused        bool    `json:"paused"`
	RateLimit     *Rate   `json:"rate_limit,omitempty"`
	// DeadLetterTTL is how long dead-lettered tasks can be replayed.
	DeadLetterTTL Duration `json:"dead_letter_ttl,omitempty"`
}

// QueueSettings is the body of PUT /v1/queues/{q}. What is nil stays.
type QueueSettings struct {
	Paused *bool `json:"paused,omitempty"`
	// RateLimit of all tasks of the queue; the empty string lifts it.
	RateLimit *string `json:"rate_limit,omitempty"`
	// DeadLetterTTL of tasks that are dead-lettered from then on; 0 gives the
	// usual 7 days.
	DeadLetterTTL *Duration `json:"dead_letter_ttl,omitempty"`
}

// Replay is the body of POST /v1/queues/{q}/dead/replay. Without IDs all that
// is dead in the queue is replayed, Limit at most.
type Replay struct {
	IDs   []string `json:"ids,omitempty"`
	Limit int      `json:"limit,omitempty"`
}

// Replayed answers it: the new task of each dead one, by place. More says that
// the limit left some behind.
type Replayed struct {
	IDs      []string `json:"ids"`
	Replayed []string `json:"replayed"`
	More     bool     `json:"more"`
}

// Pool bounds how many of its tasks run together.
type Pool struct {
	Name    string `json:"name"`
	Slots   uint32 `json:"slots"`
	Used    uint32 `json:"used"`
	Waiting int    `json:"waiting"`
}

// PoolSettings is the body of PUT /v1/pools/{name}.
type PoolSettings struct {
	Slots uint32 `json:"slots"`
}
