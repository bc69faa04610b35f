//go:build !linux

package sandbox

// region is memory for development where there is no Linux.
type region struct {
	bytes []byte
}

func (r *region) reserve(size int64) error {
	if size > int64(len(r.bytes)) {
		r.bytes = make([]byte, size)
	}
	return nil
}

func (r *region) clear(used int64) { clear(r.bytes[:used]) }
