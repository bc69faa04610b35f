package wire

import "encoding/json"

// ConcurrencyKey keeps tasks with an equal key from running together: at most
// Limit at a time. In JSON a bare string is a limit of one.
type ConcurrencyKey struct {
	Key   string
	Limit int // 0 means 1
}

type concurrencyObject struct {
	Key   string `json:"key"`
	Limit int    `json:"limit"`
}

// MarshalJSON writes a string where the limit is one.
func (k ConcurrencyKey) MarshalJSON() ([]byte, error) {
	if k.Limit <= 1 {
		return json.Marshal(k.Key)
	}
	return json.Marshal(concurrencyObject(k))
}

// UnmarshalJSON reads a string or {"key", "limit"}.
func (k *ConcurrencyKey) UnmarshalJSON(b []byte) error {
	s := scanner{b: b}
	v, err := s.concurrencyKey()
	if err == nil {
		*k = v
	}
	return err
}
