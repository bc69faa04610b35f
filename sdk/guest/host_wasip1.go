package guest

import (
	"sync"
	"unsafe"
)

//go:wasmimport windrow call
//go:noescape
func windrowCall(op int32, ptr unsafe.Pointer, n int32) int64

//go:wasmimport windrow read
//go:noescape
func windrowRead(ptr unsafe.Pointer, n int32) int32

//go:wasmexport windrow_describe
func windrowDescribe() int32 { return Describe(&sandbox{}) }

//go:wasmexport windrow_run
func windrowRun() int32 {
	s := &sandbox{}
	return Serve(s, s.readAll())
}

// sandbox is the host of a module that runs on a node.
type sandbox struct {
	mu sync.Mutex // an answer is read before the next call
}

// Call implements Host.
func (s *sandbox) Call(op int32, arg []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := windrowCall(op, unsafe.Pointer(unsafe.SliceData(arg)), int32(len(arg)))
	switch {
	case n < 0:
		return nil, &HostError{Code: n, Message: string(s.readAll())}
	case n == 0:
		return nil, nil
	}
	answer := make([]byte, n)
	for got := 0; got < len(answer); {
		m := read(answer[got:])
		if m == 0 {
			return answer[:got], nil
		}
		got += m
	}
	return answer, nil
}

// firstRead holds most inputs whole.
const firstRead = 8 << 10

// readAll reads what waits. Its length is not known: pieces that double are
// joined at the end, so that memory holds the whole twice at most.
func (s *sandbox) readAll() []byte {
	var full [][]byte
	total := 0
	for size := firstRead; ; size *= 2 {
		piece := make([]byte, size)
		got := 0
		for got < size {
			n := read(piece[got:])
			if n == 0 {
				break
			}
			got += n
		}
		total += got
		if full == nil && got < size {
			return piece[:got]
		}
		full = append(full, piece[:got])
		if got < size {
			break
		}
	}
	whole := make([]byte, 0, total)
	for i, piece := range full {
		whole = append(whole, piece...)
		full[i] = nil
	}
	return whole
}

// read fills a buffer that is not empty from what waits.
func read(b []byte) int {
	return max(0, int(windrowRead(unsafe.Pointer(unsafe.SliceData(b)), int32(len(b)))))
}
