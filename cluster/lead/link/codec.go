package link

import (
	"errors"
	"fmt"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// protocol is the first byte of a hello and of its answer.
const protocol = 3

// ErrProtocol says that the other side sent what is no message.
var ErrProtocol = errors.New("damaged message of a worker's link")

// kind is the first byte of a frame.
type kind byte

const (
	kindHello    kind = iota + 1 // worker
	kindAttached                 // leader
	kindRefused                  // leader: the stream ends with it
	kindPush                     // leader
	kindBeat                     // worker
	kindReport                   // worker
	kindEnd                      // worker
	kindAnswer                   // leader, to a beat, a report or an end
)

func begin(k kind, size int) *command.Writer {
	w := command.NewWriter(make([]byte, 0, size))
	w.Byte(byte(k))
	return w
}

// open checks a frame's kind and gives what follows it.
func open(frame []byte, want kind) *command.Reader {
	r := command.NewReader(frame)
	if kind(r.Byte()) != want {
		r.Fail()
	}
	return r
}

func finish(r *command.Reader, what string) error {
	if r.More() {
		r.Fail()
	}
	if err := r.Err(what); err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return nil
}

func encodeHello(h *Hello) []byte {
	w := begin(kindHello, 128+32*len(h.Held))
	w.Byte(protocol)
	w.String(h.Worker)
	w.Uint(h.Incarnation)
	w.Strings(h.Queues)
	w.Strings(h.Labels)
	w.Fence(h.Session)
	w.Uint(uint64(len(h.Held)))
	for _, x := range h.Held {
		w.ID(x.ID)
		w.Fence(x.Fence)
		w.Bool(x.Begun)
	}
	return w.Done()
}

func decodeHello(frame []byte) (*Hello, error) {
	r := open(frame, kindHello)
	if p := r.Byte(); p != protocol {
		return nil, fmt.Errorf("%w: protocol %d, this node speaks %d", ErrProtocol, p, protocol)
	}
	h := &Hello{Worker: r.String(), Incarnation: r.Uint(), Queues: r.Strings(), Labels: r.Strings(), Session: r.Fence()}
	for range r.Count(19) {
		h.Held = append(h.Held, Held{ID: r.ID(), Fence: r.Fence(), Begun: r.Bool()})
	}
	return h, finish(r, "hello")
}

func encodeAttached(a Attached) []byte {
	w := begin(kindAttached, 32)
	w.Byte(protocol)
	w.Fence(a.Session)
	w.Bool(a.Resumed)
	return w.Done()
}

func encodeRefused(reason string) []byte {
	w := begin(kindRefused, 64)
	w.String(reason)
	return w.Done()
}

// decodeAttached reads the answer to a hello; a refusal is its error.
func decodeAttached(frame []byte) (Attached, error) {
	if len(frame) > 0 && kind(frame[0]) == kindRefused {
		r := open(frame, kindRefused)
		reason := r.String()
		if err := finish(r, "refusal"); err != nil {
			return Attached{}, err
		}
		return Attached{}, fmt.Errorf("the leader refused: %s", reason)
	}
	r := open(frame, kindAttached)
	if p := r.Byte(); p != protocol {
		return Attached{}, fmt.Errorf("%w: protocol %d, this node speaks %d", ErrProtocol, p, protocol)
	}
	a := Attached{Session: r.Fence(), Resumed: r.Bool()}
	return a, finish(r, "answer to hello")
}

// encodePush writes each distinct spec once, and names it by its place.
func encodePush(p *Push) []byte {
	size := 64
	var specs []*queue.Spec
	places := map[*queue.Spec]int{}
	for i := range p.Assignments {
		a := &p.Assignments[i]
		size += 96 + len(a.Payload)
		if _, known := places[a.Spec]; !known {
			places[a.Spec] = len(specs)
			specs = append(specs, a.Spec)
		}
	}
	w := begin(kindPush, size+256*len(specs))
	w.Uint(p.Seq)
	w.Uint(uint64(len(specs)))
	for _, s := range specs {
		command.WriteSpec(w, s)
	}
	w.Uint(uint64(len(p.Assignments)))
	for i := range p.Assignments {
		a := &p.Assignments[i]
		w.Uint(uint64(places[a.Spec]))
		w.Fence(a.Fence)
		w.ID(a.ID)
		w.String(a.Digest)
		w.Uint(uint64(a.Attempt))
		w.Uint(uint64(a.Delivery))
		w.Bytes(a.Payload)
		w.String(a.Fault)
		w.String(a.FaultType)
	}
	w.Uint(uint64(len(p.Kills)))
	for _, k := range p.Kills {
		w.ID(k.ID)
		w.Fence(k.Fence)
		w.Bool(k.Terminate)
	}
	return w.Done()
}

// minSpec is the shortest encoding of a spec.
const minSpec = 20

// decodePush reads a push; payloads alias the frame.
func decodePush(frame []byte) (Push, error) {
	r := open(frame, kindPush)
	p := Push{Seq: r.Uint()}
	specs := make([]*queue.Spec, r.Count(minSpec))
	for i := range specs {
		specs[i] = &queue.Spec{}
		command.ReadSpec(r, specs[i])
	}
	if n := r.Count(24); n > 0 {
		p.Assignments = make([]Assignment, n)
	}
	for i := range p.Assignments {
		place := r.Uint()
		if place >= uint64(len(specs)) {
			r.Fail()
			break
		}
		p.Assignments[i] = Assignment{Spec: specs[place], Fence: r.Fence(), ID: r.ID(), Digest: r.String(),
			Attempt: r.Uint32(), Delivery: r.Uint32(), Payload: r.Bytes(), Fault: r.String(), FaultType: r.String()}
	}
	for range r.Count(19) {
		p.Kills = append(p.Kills, Kill{ID: r.ID(), Fence: r.Fence(), Terminate: r.Bool()})
	}
	return p, finish(r, "push")
}

// encodeBeat, like the two below, carries a number that its answer repeats.
func encodeBeat(n uint64, b *Beat) []byte {
	w := begin(kindBeat, 32+40*len(b.Begun))
	w.Uint(n)
	w.Uint(b.Seq)
	w.Uint(uint64(len(b.Begun)))
	for _, x := range b.Begun {
		w.ID(x.ID)
		w.Fence(x.Fence)
		w.Int(x.At)
		w.Bytes(x.Progress)
	}
	return w.Done()
}

func decodeBeat(frame []byte) (uint64, Beat, error) {
	r := open(frame, kindBeat)
	n := r.Uint()
	b := Beat{Seq: r.Uint()}
	for range r.Count(20) {
		b.Begun = append(b.Begun, Begun{ID: r.ID(), Fence: r.Fence(), At: r.Int(), Progress: r.Bytes()})
	}
	return n, b, finish(r, "beat")
}

// encodeReport uses the bytes of the commands that it becomes.
func encodeReport(n uint64, x *Report) []byte {
	w := begin(kindReport, 64)
	w.Uint(n)
	w.Uint(x.Limit.Seq)
	w.Uint(uint64(x.Limit.Running))
	w.Uint(uint64(x.Limit.Prefetch))
	w.Bytes(command.Encode(0, &command.HandBack{Items: x.HandBacks}))
	w.Bytes(command.Encode(0, &command.Complete{Results: x.Results}))
	return w.Done()
}

// decodeReport reads a report; its results alias the frame.
func decodeReport(frame []byte) (uint64, *Report, error) {
	r := open(frame, kindReport)
	n := r.Uint()
	x := &Report{Limit: Limit{Seq: r.Uint(), Running: r.Uint32(), Prefetch: r.Uint32()}}
	back, done := r.Bytes(), r.Bytes()
	if err := finish(r, "report"); err != nil {
		return 0, nil, err
	}
	b, err := decodeCommand[*command.HandBack](back)
	if err != nil {
		return 0, nil, err
	}
	d, err := decodeCommand[*command.Complete](done)
	if err != nil {
		return 0, nil, err
	}
	x.HandBacks, x.Results = b.Items, d.Results
	return n, x, nil
}

func decodeCommand[C command.Command](b []byte) (C, error) {
	c, err := command.Decode(b)
	if err != nil {
		var none C
		return none, fmt.Errorf("%w: report: %w", ErrProtocol, err)
	}
	own, ok := c.(C)
	if !ok {
		return own, fmt.Errorf("%w: report: verb %d", ErrProtocol, c.Verb())
	}
	return own, nil
}

func encodeEnd(n uint64, begun []queue.Fence) []byte {
	w := begin(kindEnd, 16+12*len(begun))
	w.Uint(n)
	w.Fences(begun)
	return w.Done()
}

func decodeEnd(frame []byte) (uint64, []queue.Fence, error) {
	r := open(frame, kindEnd)
	n, begun := r.Uint(), r.Fences()
	return n, begun, finish(r, "end")
}

// encodeAnswer answers beat, report or end number n.
func encodeAnswer(n uint64, a Answer) []byte {
	w := begin(kindAnswer, 16+12*len(a.Refused))
	w.Uint(n)
	w.Fences(a.Refused)
	w.Fences(a.Later)
	return w.Done()
}

func decodeAnswer(frame []byte) (uint64, Answer, error) {
	r := open(frame, kindAnswer)
	n := r.Uint()
	a := Answer{Refused: r.Fences(), Later: r.Fences()}
	return n, a, finish(r, "answer")
}
