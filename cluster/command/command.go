package command

import "fmt"

// Verb names a command in the log. Numbers are never reused.
type Verb uint8

// The verbs.
const (
	VerbSubmit Verb = iota + 1
	VerbStage
	VerbSubmitStaged
	VerbContinue
	VerbOpenSession
	VerbEndSession
	VerbHoldSession
	VerbSetLimit
	VerbComplete
	VerbHandBack
	VerbRevoke
	VerbPutDocument
	VerbDeleteDocument
	VerbPurge
	VerbSetVersion
	VerbSteerRun
	VerbDecide
	VerbFire
	VerbSteerSchedule
	VerbDelivered
	VerbPingWebhook
	VerbRevokeMany
	VerbAskTick
	VerbSetTick
)

// Command is one verb with its arguments.
type Command interface {
	Verb() Verb
	write(w *Writer)
	read(r *Reader)
}

// Encode gives the bytes of one command for AppendCommand. The shard comes
// first, so that a node can route a command that it does not decode.
func Encode(shard uint16, c Command) []byte {
	w := &Writer{b: make([]byte, 0, 256)}
	w.Uint(uint64(shard))
	w.Byte(byte(c.Verb()))
	c.write(w)
	return w.b
}

// Decode is the inverse of Encode. The command's byte slices alias b.
func Decode(b []byte) (Command, error) {
	r := &Reader{b: b}
	r.Uint()
	verb := Verb(r.Byte())
	if r.bad {
		return nil, r.Err("envelope")
	}
	c := blank(verb)
	if c == nil {
		return nil, fmt.Errorf("%w: unknown verb %d; this node is older than the cluster's log", ErrDamaged, verb)
	}
	c.read(r)
	return c, r.Err(fmt.Sprintf("verb %d", verb))
}

// Shard reads the shard of an encoded command.
func Shard(b []byte) (uint16, error) {
	r := &Reader{b: b}
	v := r.Uint()
	if r.bad || v > 1<<16-1 {
		return 0, fmt.Errorf("%w: shard", ErrDamaged)
	}
	return uint16(v), nil
}

func blank(v Verb) Command {
	switch v {
	case VerbSubmit:
		return &Submit{}
	case VerbStage:
		return &Stage{}
	case VerbSubmitStaged:
		return &SubmitStaged{}
	case VerbContinue:
		return &Continue{}
	case VerbOpenSession:
		return &OpenSession{}
	case VerbEndSession:
		return &EndSession{}
	case VerbHoldSession:
		return &HoldSession{}
	case VerbSetLimit:
		return &SetLimit{}
	case VerbComplete:
		return &Complete{}
	case VerbHandBack:
		return &HandBack{}
	case VerbRevoke:
		return &Revoke{}
	case VerbPutDocument:
		return &PutDocument{}
	case VerbDeleteDocument:
		return &DeleteDocument{}
	case VerbPurge:
		return &Purge{}
	case VerbSetVersion:
		return &SetVersion{}
	case VerbSteerRun:
		return &SteerRun{}
	case VerbDecide:
		return &Decide{}
	case VerbFire:
		return &Fire{}
	case VerbSteerSchedule:
		return &SteerSchedule{}
	case VerbDelivered:
		return &Delivered{}
	case VerbRevokeMany:
		return &RevokeMany{}
	case VerbPingWebhook:
		return &PingWebhook{}
	case VerbAskTick:
		return &AskTick{}
	case VerbSetTick:
		return &SetTick{}
	}
	return nil
}
