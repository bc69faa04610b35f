package wire

// Headers of requests and answers beside HTTP's own.
const (
	// HeaderNamespace picks the namespace; ?namespace= does the same.
	HeaderNamespace = "X-Windrow-Namespace"
	// HeaderIndex is on every answer: the place in the log that the answer
	// has seen. Given back as ?min_index= it makes any node wait until it has
	// seen as much.
	HeaderIndex = "X-Windrow-Index"
	// HeaderIdempotencyKey makes a POST safe to repeat for 24 hours.
	HeaderIdempotencyKey = "Idempotency-Key"
	// HeaderKeyTTL says that the key need not be known so long: up to "5m" it is
	// known for five minutes. Keys that are only for retries should say so, since
	// the number of keys that are known at a time is bounded.
	HeaderKeyTTL = "Idempotency-Key-TTL"
	// HeaderReplayed marks the answer to such a repeat.
	HeaderReplayed = "Idempotency-Replayed"
)

// BriefKey is the value of HeaderKeyTTL that the Go client gives to keys of its
// own.
const BriefKey = "5m"

// Content types of bodies.
const (
	TypeJSON    = "application/json"
	TypeNDJSON  = "application/x-ndjson"
	TypeWasm    = "application/wasm"
	TypeProblem = "application/problem+json"
	TypeBinary  = "application/octet-stream"
	TypeMsgpack = "application/vnd.msgpack"
)

// Values of ?consistency=.
const (
	// Stale answers from what the asked node has applied.
	Stale = "stale"
	// Linearizable answers from a state at least as new as the moment of the
	// request.
	Linearizable = "linearizable"
)

// Bounds that both sides know.
const (
	// MaxBatch is the largest number of calls in one batch.
	MaxBatch = 10_000
	// MaxDepth is how deeply the JSON of a request may be nested.
	MaxDepth = 200
)
