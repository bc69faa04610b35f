package queue

import (
	"encoding/binary"
	"errors"
)

// Payload is what a call gives to its task and what only people read: kept as
// the JSON that came, opaque to the state machine.
type Payload struct {
	Args   []byte // JSON array, nil when not given
	Kwargs []byte // JSON object, nil when not given
	Input  []byte // any JSON, nil when not given
	// Blob is the digest ("sha256:…") of what is larger than MaxInline: of the
	// input, which is nil then; or, where Args is not nil, of args and kwargs
	// as {"args": […], "kwargs": {…}}.
	Blob string
	// Raw says that Input is a JSON string whose text is the guest's stdin.
	Raw     bool
	Labels  []byte // JSON object or nil
	Headers []byte // JSON object or nil
	// Redact is what readers are not shown of the above, a JSON list of paths or
	// nil.
	Redact []byte
	// Resume is what a task is given that goes on after a deferral:
	// {"state": …, "runs": […]}. It is never stored, but put together for each
	// attempt. ResumeBlob is its digest where it is larger than MaxInline.
	Resume     []byte
	ResumeBlob string
}

// ErrPayload says that stored payload bytes are damaged.
var ErrPayload = errors.New("damaged payload")

const (
	payloadRaw = 1 << iota
	payloadResume
	payloadRedact
)

// Append writes p after dst.
func (p *Payload) Append(dst []byte) []byte {
	var flags byte
	if p.Raw {
		flags |= payloadRaw
	}
	resumes := p.Resume != nil || p.ResumeBlob != ""
	if resumes {
		flags |= payloadResume
	}
	if p.Redact != nil {
		flags |= payloadRedact
	}
	dst = append(dst, 1, flags)
	for _, b := range [...][]byte{p.Args, p.Kwargs, p.Input, []byte(p.Blob), p.Labels, p.Headers} {
		dst = appendField(dst, b)
	}
	if resumes {
		dst = appendField(appendField(dst, p.Resume), []byte(p.ResumeBlob))
	}
	if p.Redact != nil {
		dst = appendField(dst, p.Redact)
	}
	return dst
}

func appendField(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// DecodePayload reads what Append wrote; its fields alias b.
func DecodePayload(b []byte) (Payload, error) {
	var p Payload
	if len(b) < 2 || b[0] != 1 {
		return p, ErrPayload
	}
	p.Raw = b[1]&payloadRaw != 0
	var blob, resumeBlob []byte
	fields := []*[]byte{&p.Args, &p.Kwargs, &p.Input, &blob, &p.Labels, &p.Headers}
	if b[1]&payloadResume != 0 {
		fields = append(fields, &p.Resume, &resumeBlob)
	}
	if b[1]&payloadRedact != 0 {
		fields = append(fields, &p.Redact)
	}
	rest := b[2:]
	for _, field := range fields {
		n, used := binary.Uvarint(rest)
		if used <= 0 || n > uint64(len(rest)-used) {
			return Payload{}, ErrPayload
		}
		rest = rest[used:]
		if n > 0 {
			*field = rest[:n:n]
		}
		rest = rest[n:]
	}
	p.Blob, p.ResumeBlob = string(blob), string(resumeBlob)
	if len(rest) != 0 {
		return Payload{}, ErrPayload
	}
	return p, nil
}
