package command

import "github.com/windrow-dev/windrow/queue"

// minSpec is the shortest encoding of a spec.
const minSpec = 20

const (
	specAckEarly = 1 << iota
	specIgnoreResult
	specRetryGiven
)

// AppendSpec writes a spec as commands and stored records do; the machine also
// uses the bytes to tell whether two specs are the same.
func AppendSpec(dst []byte, s *queue.Spec) []byte {
	w := &writer{b: dst}
	writeSpec(w, s)
	return w.b
}

// DecodeSpec reads what AppendSpec wrote and returns what follows it.
func DecodeSpec(b []byte) (queue.Spec, []byte, error) {
	r := &reader{b: b}
	var s queue.Spec
	readSpec(r, &s)
	return s, r.b, r.err("spec")
}

func writeSpec(w *writer, s *queue.Spec) {
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
	w.byte(flags)
	w.string(s.Namespace)
	w.string(s.Module)
	w.uint(uint64(s.Version))
	w.string(s.Task)
	w.string(s.Queue)
	w.byte(s.Priority)
	w.uint(uint64(s.MaxDeliveries))
	w.int(s.Timeout)
	w.int(s.SoftTimeout)
	w.int(s.ResultTTL)
	w.string(s.Pool)
	w.uint(uint64(s.PoolSlots))
	w.uint(uint64(s.Rate.N))
	w.int(s.Rate.Per)
	w.int(s.Memory)
	w.byte(byte(s.Output))
	w.uint(uint64(s.Retry.Max))
	w.int(s.Retry.Backoff)
	w.uint(uint64(s.Retry.FactorMil))
	w.int(s.Retry.MaxBackoff)
	w.byte(byte(s.Retry.Jitter))
	w.strings(s.Retry.On)
	w.strings(s.Retry.NotOn)
}

func readSpec(r *reader, s *queue.Spec) {
	flags := r.byte()
	s.AckEarly = flags&specAckEarly != 0
	s.IgnoreResult = flags&specIgnoreResult != 0
	s.Retry.Given = flags&specRetryGiven != 0
	s.Namespace, s.Module, s.Version, s.Task = r.string(), r.string(), r.uint32(), r.string()
	s.Queue, s.Priority = r.string(), r.byte()
	s.MaxDeliveries = uint16(r.uint32())
	s.Timeout, s.SoftTimeout, s.ResultTTL = r.int(), r.int(), r.int()
	s.Pool, s.PoolSlots = r.string(), r.uint32()
	s.Rate = queue.Rate{N: r.uint32(), Per: r.int()}
	s.Memory, s.Output = r.int(), queue.Output(r.byte())
	s.Retry.Max, s.Retry.Backoff, s.Retry.FactorMil = r.uint32(), r.int(), r.uint32()
	s.Retry.MaxBackoff, s.Retry.Jitter = r.int(), queue.Jitter(r.byte())
	s.Retry.On, s.Retry.NotOn = r.strings(), r.strings()
}
