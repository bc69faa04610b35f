package queue

// Spec is what calls of one kind have in common. The state machine keeps each
// distinct Spec once, however many tasks share it. Durations are nanoseconds.
type Spec struct {
	Namespace string
	Module    string
	Version   uint32 // 0 in a command means the newest; in the machine it is pinned
	Task      string
	Queue     string
	Priority  uint8 // 0–9, 9 first
	AckEarly  bool  // at most once: acknowledged before it runs
	// IgnoreResult keeps the state but not the result, as Celery's option.
	IgnoreResult  bool
	MaxDeliveries uint16
	Timeout       int64 // wall time of one attempt
	SoftTimeout   int64 // 0 for none
	ResultTTL     int64
	Pool          string
	PoolSlots     uint32
	Rate          Rate
	Memory        int64 // bytes of linear memory of an attempt
	Output        Output
	Retry         Retry
	// Expected are the error types that are no surprise.
	Expected []string
}

// Rate is at most N starts in Per nanoseconds, evenly spaced after a burst of
// one, as Celery's rate_limit but over the whole cluster. N = 0 is no limit.
type Rate struct {
	N   uint32
	Per int64
}

// Output says what becomes of a command's stdout.
type Output uint8

// The ways: auto takes one JSON text as it is and other UTF-8 as a string;
// json insists on JSON, text always makes a string.
const (
	OutputAuto Output = iota
	OutputJSON
	OutputText
)

var outputNames = [...]string{"auto", "json", "text"}

// String gives the name that users write.
func (o Output) String() string { return outputNames[min(int(o), len(outputNames)-1)] }

// ParseOutput is the inverse of String; the empty name is auto.
func ParseOutput(s string) (Output, bool) {
	for i, n := range outputNames {
		if n == s {
			return Output(i), true
		}
	}
	return OutputAuto, s == ""
}

// Defaults and bounds of a call.
const (
	DefaultQueue         = "default"
	DefaultNamespace     = "default"
	DefaultPriority      = 5
	MaxPriority          = 9
	DefaultTimeout       = int64(300e9)
	DefaultMaxDeliveries = 3
	DefaultResultTTL     = int64(24 * 3600e9)
	DefaultDeadTTL       = int64(7 * 24 * 3600e9) // of a queue's dead letters
	DefaultMemory        = int64(64 << 20)
	// MaxInline is the largest value that travels inside commands and
	// assignments; a larger one is a blob.
	MaxInline = 64 << 10
)

// DefaultSpec is a call of a task in which nothing else is said.
func DefaultSpec(namespace, module, task string) Spec {
	return Spec{
		Namespace: namespace, Module: module, Task: task,
		Queue: DefaultQueue, Priority: DefaultPriority, MaxDeliveries: DefaultMaxDeliveries,
		Timeout: DefaultTimeout, ResultTTL: DefaultResultTTL, PoolSlots: 1,
		Memory: DefaultMemory, Retry: DefaultRetry(),
	}
}
