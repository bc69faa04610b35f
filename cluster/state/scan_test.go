package state

import (
	"bytes"
	"slices"
)

// scanOf reads a memory sink as the store would be read.
func scanOf(s memory) Scan {
	return func(prefix []byte, fn func(key, value []byte) error) error {
		var keys []string
		for k := range s {
			if bytes.HasPrefix([]byte(k), prefix) {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys {
			if err := fn([]byte(k), s[k]); err != nil {
				return err
			}
		}
		return nil
	}
}
