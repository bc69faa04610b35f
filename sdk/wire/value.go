package wire

import (
	"math"
	"strconv"
)

// want refuses a value of another type than the field has.
func (s *scanner) want(what string) error {
	found := "nothing"
	switch c := s.peek(); {
	case c == '"':
		found = "a string"
	case c == '{':
		found = "an object"
	case c == '[':
		found = "a list"
	case c == 't' || c == 'f':
		found = "true or false"
	case c == 'n':
		found = "null"
	case c == '-' || c >= '0' && c <= '9':
		found = "a number"
	}
	if err := s.skip(0); err != nil {
		return err
	}
	return reason("want %s, got %s", what, found)
}

func (s *scanner) string() (string, error) {
	if s.peek() != '"' {
		return "", s.want("a string")
	}
	b, err := s.text()
	return string(b), err
}

func (s *scanner) bool() (bool, error) {
	switch s.peek() {
	case 't':
		return true, s.word("true")
	case 'f':
		return false, s.word("false")
	}
	return false, s.want("true or false")
}

// int reads a whole number in [lowest, highest].
func (s *scanner) int(lowest, highest int) (int, error) {
	if c := s.peek(); c != '-' && (c < '0' || c > '9') {
		return 0, s.want("a whole number")
	}
	raw, err := s.number()
	if err != nil {
		return 0, err
	}
	text := string(raw)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		// 3.0 and 1e2 are whole, too.
		f, ferr := strconv.ParseFloat(text, 64)
		if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return 0, reason("want a whole number from %d to %d, got %s", lowest, highest, clip(text))
		}
		n = int64(f)
	}
	if n < int64(lowest) || n > int64(highest) {
		return 0, reason("want a whole number from %d to %d, got %d", lowest, highest, n)
	}
	return int(n), nil
}

func (s *scanner) float(lowest, highest float64) (float64, error) {
	if c := s.peek(); c != '-' && (c < '0' || c > '9') {
		return 0, s.want("a number")
	}
	raw, err := s.number()
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f < lowest || f > highest {
		return 0, reason("want a number from %g to %g, got %s", lowest, highest, clip(string(raw)))
	}
	return f, nil
}

// strings reads a list of at most most strings.
func (s *scanner) strings(most int) ([]string, error) {
	if s.peek() != '[' {
		return nil, s.want("a list of strings")
	}
	s.i++
	list := []string{}
	for first := true; ; first = false {
		ok, err := s.element(first)
		if err != nil || !ok {
			return list, err
		}
		if len(list) == most {
			return nil, reason("has more than %d entries", most)
		}
		v, err := s.string()
		if err != nil {
			return nil, InField("["+strconv.Itoa(len(list))+"]", err)
		}
		list = append(list, v)
	}
}

// numberOrString gives the text of either.
func (s *scanner) numberOrString(what string) (string, error) {
	switch c := s.peek(); {
	case c == '"':
		b, err := s.text()
		return string(b), err
	case c == '-' || c >= '0' && c <= '9':
		b, err := s.number()
		return string(b), err
	}
	return "", s.want(what)
}

func (s *scanner) duration() (Duration, error) {
	bare := s.peek() != '"'
	text, err := s.numberOrString(`a duration such as "30s", or a number of seconds`)
	if err != nil {
		return 0, err
	}
	if bare {
		return seconds(text)
	}
	return ParseDuration(text)
}

func (s *scanner) size() (Size, error) {
	text, err := s.numberOrString(`a size such as "64MiB", or a number of bytes`)
	if err != nil {
		return 0, err
	}
	return ParseSize(text)
}

func (s *scanner) time() (Time, error) {
	if s.peek() != '"' {
		return Time{}, s.want(`a time such as "2026-01-31T09:30:00Z"`)
	}
	b, err := s.text()
	if err != nil {
		return Time{}, err
	}
	return ParseTime(string(b))
}

func (s *scanner) expires() (Expires, error) {
	if s.peek() != '"' {
		in, err := s.duration()
		return Expires{In: in}, err
	}
	b, err := s.text()
	if err != nil {
		return Expires{}, err
	}
	return ParseExpires(string(b))
}

func (s *scanner) rate() (Rate, error) {
	if s.peek() != '"' {
		return Rate{}, s.want(`a rate such as "10/s"`)
	}
	b, err := s.text()
	if err != nil {
		return Rate{}, err
	}
	return ParseRate(string(b))
}

var concurrencyFields = []string{"key", "limit"}

func (s *scanner) concurrencyKey() (ConcurrencyKey, error) {
	k := ConcurrencyKey{Limit: 1}
	switch s.peek() {
	case '"':
		v, err := s.string()
		k.Key = v
		return k, err
	case '{':
	default:
		return k, s.want(`a string, or {"key": …, "limit": …}`)
	}
	s.i++
	for first := true; ; first = false {
		name, ok, err := s.member(first)
		if err != nil || !ok {
			return k, err
		}
		switch string(name) {
		case "key":
			k.Key, err = s.string()
		case "limit":
			k.Limit, err = s.int(1, 1_000_000)
		default:
			return k, unknownField(string(name), concurrencyFields)
		}
		if err != nil {
			return k, InField(string(name), err)
		}
	}
}

// object reads a JSON object and gives its bytes.
func (s *scanner) object(depth int) ([]byte, error) {
	if s.peek() != '{' {
		return nil, s.want("an object")
	}
	return s.raw(depth)
}

// labels reads an object of strings.
func (s *scanner) labels(most int) (map[string]string, error) {
	if s.peek() != '{' {
		return nil, s.want("an object of strings")
	}
	s.i++
	m := map[string]string{}
	for first := true; ; first = false {
		name, ok, err := s.member(first)
		if err != nil || !ok {
			return m, err
		}
		if len(m) == most {
			return nil, reason("has more than %d entries", most)
		}
		key := string(name)
		v, err := s.string()
		if err != nil {
			return nil, InField(clip(key), err)
		}
		m[key] = v
	}
}
