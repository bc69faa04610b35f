package wire

import (
	"encoding/json"
	"unicode/utf8"
)

// scanner reads JSON by a single pass that checks as it goes. encoding/json
// walks a call three times and allocates for each field; submission is the
// busiest path of a node.
type scanner struct {
	b     []byte
	i     int
	tasks int // that the canvases read so far make
}

func (s *scanner) fail(why string) error { return &SyntaxError{Offset: s.i, Reason: why} }

// utf8 refuses text that is not UTF-8, which JSON must be.
func (s *scanner) utf8() error {
	if utf8.Valid(s.b) {
		return nil
	}
	i := 0
	for i < len(s.b) {
		r, n := utf8.DecodeRune(s.b[i:])
		if r == utf8.RuneError && n <= 1 {
			break
		}
		i += n
	}
	return &SyntaxError{Offset: i, Reason: "a byte that is not UTF-8"}
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek gives the first byte of the next value, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// take consumes c, which must come next.
func (s *scanner) take(c byte) error {
	if s.peek() != c {
		return s.unexpected("'" + string(rune(c)) + "'")
	}
	s.i++
	return nil
}

func (s *scanner) unexpected(want string) error {
	if s.peek() == 0 && s.i >= len(s.b) {
		return s.fail("it ends where " + want + " should follow")
	}
	return s.fail("want " + want)
}

// end refuses anything after the value.
func (s *scanner) end() error {
	if s.peek(); s.i < len(s.b) {
		return s.fail("something follows the value")
	}
	return nil
}

// null consumes null if it comes next.
func (s *scanner) null() bool {
	if s.peek() == 'n' && s.i+4 <= len(s.b) && string(s.b[s.i:s.i+4]) == "null" {
		s.i += 4
		return true
	}
	return false
}

// member steps to the next member of an object whose '{' is consumed: its key,
// with the colon consumed, or false after the '}'.
func (s *scanner) member(first bool) (key []byte, ok bool, err error) {
	if s.peek() == '}' {
		s.i++
		return nil, false, nil
	}
	if !first {
		if s.peek() != ',' {
			return nil, false, s.unexpected("',' or '}'")
		}
		s.i++
	}
	if s.peek() != '"' {
		return nil, false, s.unexpected("a name in quotes")
	}
	if key, err = s.text(); err != nil {
		return nil, false, err
	}
	return key, true, s.take(':')
}

// element steps to the next element of an array whose '[' is consumed, or
// gives false after the ']'.
func (s *scanner) element(first bool) (bool, error) {
	switch c := s.peek(); {
	case c == ']':
		s.i++
		return false, nil
	case first:
		return true, nil
	case c == ',':
		s.i++
		if s.peek() == ']' {
			return false, s.fail("a comma before the end of a list")
		}
		return true, nil
	}
	return false, s.unexpected("',' or ']'")
}

// quoted consumes a string and gives it with its quotes.
func (s *scanner) quoted() ([]byte, error) {
	start := s.i
	s.i++
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start:s.i], nil
		case c < ' ':
			return nil, s.fail("a control character in a string")
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		default:
			s.i++
		}
	}
	return nil, s.fail("a string that does not end")
}

func (s *scanner) escape() error {
	s.i++
	if s.i >= len(s.b) {
		return s.fail("a string that does not end")
	}
	switch s.b[s.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i++
		return nil
	case 'u':
		for n := 1; n <= 4; n++ {
			if s.i+n >= len(s.b) || !hex(s.b[s.i+n]) {
				return s.fail(`\u without four hexadecimal digits`)
			}
		}
		s.i += 5
		return nil
	}
	return s.fail("an unknown escape in a string")
}

func hex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// text consumes a string and gives its contents, which may alias the input.
func (s *scanner) text() ([]byte, error) {
	raw, err := s.quoted()
	if err != nil {
		return nil, err
	}
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c == '\\' {
			var v string
			if err := json.Unmarshal(raw, &v); err != nil {
				return nil, s.fail("a damaged string")
			}
			return []byte(v), nil
		}
	}
	return inner, nil
}

// number consumes a number and gives its text.
func (s *scanner) number() ([]byte, error) {
	start := s.i
	if s.at() == '-' {
		s.i++
	}
	switch c := s.at(); {
	case c == '0':
		s.i++
	case c >= '1' && c <= '9':
		s.digits()
	default:
		return nil, s.fail("want a digit")
	}
	if s.at() == '.' {
		s.i++
		if !s.digits() {
			return nil, s.fail("want a digit after the point")
		}
	}
	if c := s.at(); c == 'e' || c == 'E' {
		s.i++
		if c := s.at(); c == '+' || c == '-' {
			s.i++
		}
		if !s.digits() {
			return nil, s.fail("want a digit in the exponent")
		}
	}
	return s.b[start:s.i], nil
}

func (s *scanner) at() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

// raw consumes any value, checks it whole and gives its bytes.
func (s *scanner) raw(depth int) ([]byte, error) {
	s.space()
	start := s.i
	if err := s.skip(depth); err != nil {
		return nil, err
	}
	return s.b[start:s.i:s.i], nil
}

func (s *scanner) skip(depth int) error {
	switch c := s.peek(); {
	case c == '{' || c == '[':
		if depth >= MaxDepth {
			return s.fail("nesting deeper than 200 levels")
		}
		s.i++
		if c == '{' {
			return s.skipObject(depth + 1)
		}
		return s.skipArray(depth + 1)
	case c == '"':
		_, err := s.quoted()
		return err
	case c == '-' || c >= '0' && c <= '9':
		_, err := s.number()
		return err
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	}
	return s.unexpected("a value")
}

func (s *scanner) word(w string) error {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return s.fail("want " + w)
	}
	s.i += len(w)
	return nil
}

func (s *scanner) skipObject(depth int) error {
	for first := true; ; first = false {
		if s.peek() == '}' && first {
			s.i++
			return nil
		}
		if !first {
			switch s.peek() {
			case '}':
				s.i++
				return nil
			case ',':
				s.i++
			default:
				return s.unexpected("',' or '}'")
			}
		}
		if s.peek() != '"' {
			return s.unexpected("a name in quotes")
		}
		if _, err := s.quoted(); err != nil {
			return err
		}
		if err := s.take(':'); err != nil {
			return err
		}
		if err := s.skip(depth); err != nil {
			return err
		}
	}
}

func (s *scanner) skipArray(depth int) error {
	for first := true; ; first = false {
		ok, err := s.element(first)
		if err != nil || !ok {
			return err
		}
		if err := s.skip(depth); err != nil {
			return err
		}
	}
}
