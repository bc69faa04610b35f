package command

import "github.com/windrow-dev/windrow/queue"

// minSpec is the shortest encoding of a spec.
const minSpec = 20

const (
	specAckEarly = 1 << iota
	specIgnoreResult
	specRetryGiven
	specExpected
)

// AppendSpec writes a spec as commands and stored records do; the machine also
// uses the bytes to tell whether two specs are the same.
func AppendSpec(dst []byte, s *queue.Spec) []byte {
	w := &Writer{b: dst}
	WriteSpec(w, s)
	return w.b
}

// DecodeSpec reads what AppendSpec wrote and returns what follows it.
func DecodeSpec(b []byte) (queue.Spec, []byte, error) {
	r := &Reader{b: b}
	var s queue.Spec
	ReadSpec(r, &s)
	return s, r.b, r.Err("spec")
}

// WriteSpec writes a spec.
func WriteSpec(w *Writer, s *queue.Spec) {
	var flags byte
	if s.AckEarly {
		flags |= specAckEarly
	}
	if s.IgnoreResult {
		flags |= specIgnoreResult
	}
	if s.Retry.Given {
		flags |= specRetryGiven
	}
	if len(s.Expected) > 0 {
		flags |= specExpected
	}
	w.Byte(flags)
	w.String(s.Namespace)
	w.String(s.Module)
	w.Uint(uint64(s.Version))
	w.String(s.Task)
	w.String(s.Queue)
	w.Byte(s.Priority)
	w.Uint(uint64(s.MaxDeliveries))
	w.Int(s.Timeout)
	w.Int(s.SoftTimeout)
	w.Int(s.ResultTTL)
	w.String(s.Pool)
	w.Uint(uint64(s.PoolSlots))
	w.Uint(uint64(s.Rate.N))
	w.Int(s.Rate.Per)
	w.Int(s.Memory)
	w.Byte(byte(s.Output))
	w.Uint(uint64(s.Retry.Max))
	w.Int(s.Retry.Backoff)
	w.Uint(uint64(s.Retry.FactorMil))
	w.Int(s.Retry.MaxBackoff)
	w.Byte(byte(s.Retry.Jitter))
	w.Strings(s.Retry.On)
	w.Strings(s.Retry.NotOn)
	if flags&specExpected != 0 {
		w.Strings(s.Expected)
	}
}

// ReadSpec reads a spec.
func ReadSpec(r *Reader, s *queue.Spec) {
	flags := r.Byte()
	s.AckEarly = flags&specAckEarly != 0
	s.IgnoreResult = flags&specIgnoreResult != 0
	s.Retry.Given = flags&specRetryGiven != 0
	s.Namespace, s.Module, s.Version, s.Task = r.String(), r.String(), r.Uint32(), r.String()
	s.Queue, s.Priority = r.String(), r.Byte()
	s.MaxDeliveries = uint16(r.Uint32())
	s.Timeout, s.SoftTimeout, s.ResultTTL = r.Int(), r.Int(), r.Int()
	s.Pool, s.PoolSlots = r.String(), r.Uint32()
	s.Rate = queue.Rate{N: r.Uint32(), Per: r.Int()}
	s.Memory, s.Output = r.Int(), queue.Output(r.Byte())
	s.Retry.Max, s.Retry.Backoff, s.Retry.FactorMil = r.Uint32(), r.Int(), r.Uint32()
	s.Retry.MaxBackoff, s.Retry.Jitter = r.Int(), queue.Jitter(r.Byte())
	s.Retry.On, s.Retry.NotOn = r.Strings(), r.Strings()
	if flags&specExpected != 0 {
		s.Expected = r.Strings()
	}
}
