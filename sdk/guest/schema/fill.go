package schema

import (
	"github.com/windrow-dev/windrow/sdk/guest/internal/scan"
)

// findDefaults notes where Fill has anything to do. Of what refers to a
// recursive type it is taken for granted.
func (s *Schema) findDefaults() bool {
	if s == nil {
		return false
	}
	s.fills = s.target != nil || len(s.AnyOf) > 0
	for _, within := range []*Schema{s.Items, s.Additional} {
		if within.findDefaults() {
			s.fills = true
		}
	}
	for _, p := range s.Properties {
		if p.Schema.findDefaults() || p.Schema.Default != nil {
			s.fills = true
		}
	}
	return s.fills
}

// Fill gives a JSON text that has passed [Schema.Check] with the defaults put
// into every object that lacks them: the text itself where there is nothing to
// put in. A struct that is missing as a whole stays so, unless its field has a
// default of {}.
func (s *Schema) Fill(text []byte) []byte {
	if !s.fills {
		return text
	}
	return s.fill(make([]byte, 0, len(text)+len(text)/8+64), scan.Trim(text))
}

// fill appends a value with its defaults.
func (s *Schema) fill(out, text []byte) []byte {
	s = s.Root()
	if len(s.AnyOf) > 0 {
		s = s.AnyOf[0].Root()
	}
	switch {
	case !s.fills:
	case text[0] == '[' && s.Items != nil:
		at := 0
		for _, item := range scan.Elements(text) {
			out, at = s.Items.within(out, text, item, at)
		}
		return append(out, text[at:]...)
	case text[0] == '{':
		return s.fillObject(out, text)
	}
	return append(out, text...)
}

// within appends a value that is part of text, and before it what stands
// between at and it. It gives the place behind.
func (s *Schema) within(out, text, value []byte, at int) ([]byte, int) {
	start := cap(text) - cap(value) // both end where the memory behind them does
	return s.fill(append(out, text[at:start]...), value), start + len(value)
}

// anything is the schema of what a struct does not know.
var anything = &Schema{}

func (s *Schema) fillObject(out, text []byte) []byte {
	at, members := 1, 0
	have := make([]bool, len(s.Properties))
	out = append(out, '{')
	for name, value := range scan.Members(text) {
		members++
		p := anything
		if i := s.Properties.index(name); i >= 0 {
			have[i], p = true, s.Properties[i].Schema
		} else if s.Additional != nil {
			p = s.Additional
		}
		out, at = p.within(out, text, value, at)
	}
	for i, p := range s.Properties {
		if have[i] || p.Schema.Default == nil {
			continue
		}
		if members++; members > 1 {
			out = append(out, ',')
		}
		name, _ := encode(p.Name) // a string always encodes
		out = p.Schema.fill(append(append(out, name...), ':'), p.Schema.Default)
	}
	return append(out, text[at:]...)
}
