package wire

// Debounce holds a call back for Wait, in which a newer one with the key takes
// its place and waits anew; at most MaxWait after the first of them.
type Debounce struct {
	Key     string    `json:"key"`
	Wait    Duration  `json:"wait"`
	MaxWait *Duration `json:"max_wait,omitempty"`
}

// Throttle takes at most one call with its key in Every; others are refused.
type Throttle struct {
	Key   string   `json:"key"`
	Every Duration `json:"every"`
}

// UnmarshalJSON reads it as strictly as a call.
func (d *Debounce) UnmarshalJSON(b []byte) error {
	s := scanner{b: b}
	v, err := s.debounce()
	if err == nil {
		*d = v
	}
	return err
}

// UnmarshalJSON reads it as strictly as a call.
func (h *Throttle) UnmarshalJSON(b []byte) error {
	s := scanner{b: b}
	v, err := s.throttle()
	if err == nil {
		*h = v
	}
	return err
}

var debounceFields = []string{"key", "wait", "max_wait"}

func (s *scanner) debounce() (d Debounce, err error) {
	if s.peek() != '{' {
		return d, s.want(`a key and a time such as {"key": "k", "wait": "5s"}`)
	}
	s.i++
	for first := true; ; first = false {
		name, ok, err := s.member(first)
		if err != nil || !ok {
			return d, err
		}
		switch string(name) {
		case "key":
			d.Key, err = s.string()
		case "wait":
			d.Wait, err = s.duration()
		case "max_wait":
			d.MaxWait, err = some(s.duration())
		default:
			return d, unknownField(string(name), debounceFields)
		}
		if err != nil {
			return d, InField(string(name), err)
		}
	}
}

func (s *scanner) throttle() (h Throttle, err error) {
	err = s.fields([]string{"key", "every"}, `a key and a time such as {"key": "k", "every": "1m"}`, func(place int) (err error) {
		if place == 0 {
			h.Key, err = s.string()
		} else {
			h.Every, err = s.duration()
		}
		return err
	})
	return h, err
}
