package frame

import "encoding/binary"

// Longest texts of an answer, bytes. A child cuts what is longer.
const (
	MaxMessage  = 4 << 10
	MaxTrace    = 16 << 10
	MaxTail     = 4 << 10
	MaxChunk    = 64 << 10
	MaxProgress = 64 << 10
	// MaxAsks bounds what an attempt asks for beside its result, as JSON.
	MaxAsks = 256 << 10
	// MaxAnswers is how many answers a frame may carry.
	MaxAnswers = 4096
)

// Ready is what a child says once it can make attempts.
type Ready struct {
	// Layers names the layers of hardening that the child put up itself and
	// that hold.
	Layers []string
}

// Append adds the message to a frame.
func (r *Ready) Append(b []byte) []byte {
	b = appendInt(b, int64(len(r.Layers)))
	for _, l := range r.Layers {
		b = appendBytes(b, l)
	}
	return b
}

// DecodeReady reads what Append wrote.
func DecodeReady(b []byte) (Ready, error) {
	d := decoder{b: b}
	n := d.uint("layers")
	if n > maxLayers {
		d.fail("layers")
		n = 0
	}
	var r Ready
	for range n {
		r.Layers = append(r.Layers, string(d.bytes("layer", maxTask)))
	}
	return r, d.end()
}

// AppendFailed adds the reason for which a child could not load its module.
func AppendFailed(b []byte, reason string) []byte {
	return append(b, cut(reason, MaxMessage)...)
}

// DecodeFailed reads what AppendFailed wrote.
func DecodeFailed(b []byte) string { return string(cut(b, MaxMessage)) }

// Exit is how an attempt ended, as the child saw it.
type Exit byte

// The ways an attempt can end. Whatever takes the child's life with it, the
// deadline first of all, is the parent's to tell.
const (
	ExitOK          Exit = iota + 1 // Output is the result
	ExitCode                        // Code is the guest's, not 0
	ExitTrap                        // Message and Trace say which and where
	ExitStack                       // stack overflow
	ExitMemory                      // the limit refused growth, then the guest failed
	ExitOutput                      // more output than allowed
	ExitFail                        // the guest said FAIL; Message is its JSON
	ExitSoft                        // the guest was told of the soft limit, then failed
	ExitUnavailable                 // the module has not what the attempt needs
	ExitSkipped                     // recalled before it began
	exitEnd
)

// Result is the end of one attempt.
type Result struct {
	Seq     uint64
	Exit    Exit
	Code    int32
	Message []byte
	Trace   []byte
	Output  []byte
	Asks    []byte // JSON, see Asks; nil where the guest asked for nothing
	Tail    []byte // the last of its log
	LogLen  int64  // all of its log, bytes
	CPU     int64  // nanoseconds
	Wall    int64  // nanoseconds
	Memory  int64  // linear memory at the end, bytes
	Started int64  // wall clock, unix nanoseconds
}

// Chunk is a piece of an attempt's log, or its progress.
type Chunk struct {
	Seq  uint64
	Data []byte
}

const (
	answerResult   = 1
	answerLog      = 2
	answerProgress = 3
)

// Append adds the result to a frame of kind KindAnswers.
func (r *Result) Append(b []byte) []byte {
	b = append(b, answerResult, byte(r.Exit))
	b = binary.AppendUvarint(b, r.Seq)
	b = binary.LittleEndian.AppendUint32(b, uint32(r.Code))
	for _, v := range [...]int64{r.LogLen, r.CPU, r.Wall, r.Memory, r.Started} {
		b = appendInt(b, v)
	}
	b = appendBytes(b, cut(r.Message, MaxMessage))
	b = appendBytes(b, cut(r.Trace, MaxTrace))
	b = appendBytes(b, r.Tail)
	b = appendBytes(b, r.Asks)
	return appendBytes(b, r.Output)
}

// Size is an upper bound of what Append adds.
func (r *Result) Size() int {
	return 128 + len(r.Message) + len(r.Trace) + len(r.Tail) + len(r.Asks) + len(r.Output)
}

// AppendLog adds a piece of a log to a frame of kind KindAnswers.
func (c *Chunk) AppendLog(b []byte) []byte { return c.append(b, answerLog) }

// AppendProgress adds progress to a frame of kind KindAnswers.
func (c *Chunk) AppendProgress(b []byte) []byte { return c.append(b, answerProgress) }

func (c *Chunk) append(b []byte, kind byte) []byte {
	b = append(b, kind)
	b = binary.AppendUvarint(b, c.Seq)
	return appendBytes(b, c.Data)
}

// Answer is a result, a piece of a log or progress: exactly one is set.
type Answer struct {
	Result   *Result
	Log      *Chunk
	Progress *Chunk
}

// DecodeAnswers reads a frame's answers. Their bytes alias the payload.
func DecodeAnswers(b []byte) ([]Answer, error) {
	d := decoder{b: b}
	var out []Answer
	results := make([]Result, 0, min(MaxAttempts, len(b)/32+1))
	for len(d.b) > 0 {
		if len(out) == MaxAnswers {
			d.fail("too many answers")
			break
		}
		switch d.byte("answer") {
		case answerResult:
			results = append(results, decodeResult(&d))
			out = append(out, Answer{Result: &results[len(results)-1]})
		case answerLog:
			out = append(out, Answer{Log: decodeChunk(&d, MaxChunk)})
		case answerProgress:
			out = append(out, Answer{Progress: decodeChunk(&d, MaxProgress)})
		default:
			d.fail("unknown answer")
		}
	}
	return out, d.end()
}

func decodeChunk(d *decoder, max int) *Chunk {
	c := &Chunk{Seq: d.uint("chunk seq")}
	c.Data = d.bytes("chunk", max)
	return c
}

func decodeResult(d *decoder) Result {
	var r Result
	r.Exit = Exit(d.byte("exit"))
	if r.Exit == 0 || r.Exit >= exitEnd {
		d.fail("exit")
	}
	r.Seq = d.uint("result seq")
	var code [4]byte
	d.fixed("code", code[:])
	r.Code = int32(binary.LittleEndian.Uint32(code[:]))
	for _, v := range [...]*int64{&r.LogLen, &r.CPU, &r.Wall, &r.Memory, &r.Started} {
		*v = d.int("result number")
	}
	r.Message = d.bytes("message", MaxMessage)
	r.Trace = d.bytes("trace", MaxTrace)
	r.Tail = d.bytes("log tail", MaxTail)
	r.Asks = d.bytes("asks", MaxAsks)
	r.Output = d.bytes("output", MaxFrame)
	return r
}

func cut[T ~string | ~[]byte](v T, max int) T {
	if len(v) > max {
		return v[:max]
	}
	return v
}
