package wire

// Retry says whether and when a failed attempt is tried again. What is nil or
// empty has the default of the contract.
type Retry struct {
	Max        int       `json:"max"`
	Backoff    *Duration `json:"backoff,omitempty"`     // before the first retry; 1s
	Factor     *float64  `json:"factor,omitempty"`      // growth a retry; 2
	MaxBackoff *Duration `json:"max_backoff,omitempty"` // 10m
	Jitter     string    `json:"jitter,omitempty"`      // full, equal or none; full
	On         []string  `json:"on,omitempty"`          // error types retried; all but fatal
	NotOn      []string  `json:"not_on,omitempty"`      // error types never retried
}

// UnmarshalJSON names the field at fault.
func (r *Retry) UnmarshalJSON(b []byte) error {
	s := scanner{b: b}
	v, err := s.retry()
	if err == nil && v != nil {
		*r = *v
	}
	return err
}
