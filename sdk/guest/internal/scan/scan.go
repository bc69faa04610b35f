// Package scan walks JSON text that is known to be valid, without decoding or
// copying it: a guest's input may be most of the memory that it has. What it
// is given must have passed json.Valid.
package scan

import (
	"encoding/json"
	"iter"
)

// Members gives an object's members in their order: the name decoded, the
// value as it is written. Anything but an object has none.
func Members(object []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		i := space(object, 0)
		if i == len(object) || object[i] != '{' {
			return
		}
		for i = space(object, i+1); i < len(object) && object[i] == '"'; {
			end := value(object, i)
			name := String(object[i:end])
			i = space(object, space(object, end)+1) // the colon
			end = value(object, i)
			if !yield(name, object[i:end]) {
				return
			}
			if i = space(object, end); i < len(object) && object[i] == ',' {
				i = space(object, i+1)
			}
		}
	}
}

// Elements gives a list's elements as they are written, each with its place.
// Anything but a list has none.
func Elements(list []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		i := space(list, 0)
		if i == len(list) || list[i] != '[' {
			return
		}
		i = space(list, i+1)
		for n := 0; i < len(list) && list[i] != ']'; n++ {
			end := value(list, i)
			if !yield(n, list[i:end]) {
				return
			}
			if i = space(list, end); i < len(list) && list[i] == ',' {
				i = space(list, i+1)
			}
		}
	}
}

// String decodes a string; what is none is "".
func String(text []byte) string {
	if len(text) >= 2 && plain(text[1:len(text)-1]) {
		return string(text[1 : len(text)-1])
	}
	var s string
	_ = json.Unmarshal(text, &s) // valid by contract
	return s
}

// plain reports whether a string stands for itself: printable ASCII with no
// escape. Other bytes may be no UTF-8, which decoding replaces.
func plain(inner []byte) bool {
	for _, c := range inner {
		if c == '\\' || c < ' ' || c >= 0x80 {
			return false
		}
	}
	return true
}

// Trim leaves out the space around a value.
func Trim(text []byte) []byte {
	i := space(text, 0)
	if i == len(text) {
		return nil
	}
	return text[i:value(text, i)]
}

// space is the first place from i on that holds no white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// value is the place behind the value that begins at i.
func value(b []byte, i int) int {
	if i >= len(b) {
		return len(b)
	}
	switch b[i] {
	case '"':
		return text(b, i)
	case '{', '[':
		return nest(b, i)
	}
	for i < len(b) && !delimits(b[i]) {
		i++
	}
	return i
}

// text is the place behind the string that begins at i.
func text(b []byte, i int) int {
	for i++; i < len(b) && b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(b))
}

// nest is the place behind the object or list that begins at i. It does not
// recurse, so that no depth of nesting can exhaust the stack.
func nest(b []byte, i int) int {
	for depth := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = text(b, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(b)
}

func delimits(c byte) bool {
	switch c {
	case ',', ']', '}', ' ', '\n', '\t', '\r':
		return true
	}
	return false
}
