package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// MaxCanvas is how many tasks one canvas may have, the items of maps included.
const MaxCanvas = 250_000

// Canvas is tasks put together: a signature (Call alone is set), or one of
// Chain, Group, Chord, Map, Starmap and Chunks. Link, LinkError and Labels are
// of the whole; a signature has them in its Call.
type Canvas struct {
	Call *Call

	Chain   []Canvas // one after another, each is given the result of the one before
	Group   []Canvas // all at once; nil is no group, an empty list one of none
	Chord   *Chord
	Map     *Mapped // Size is for chunks alone
	Starmap *Mapped
	Chunks  *Mapped

	Link      []Canvas
	LinkError []Canvas
	Labels    map[string]string
}

// Chord is a group and what is given the list of its results.
type Chord struct {
	Header []Canvas `json:"header"`
	Body   Canvas   `json:"body"`
}

// Mapped is a signature and the items that a task of it is made for each.
type Mapped struct {
	Task  Call              `json:"task"`
	Items []json.RawMessage `json:"items"`
	Size  int               `json:"size,omitempty"` // of a chunk
}

// MarshalJSON writes the fields that are set.
func (c Canvas) MarshalJSON() ([]byte, error) {
	if c.Call != nil {
		return unescaped(c.Call)
	}
	return unescaped(struct {
		Chain     []Canvas          `json:"chain,omitzero"`
		Group     []Canvas          `json:"group,omitzero"`
		Chord     *Chord            `json:"chord,omitempty"`
		Map       *Mapped           `json:"map,omitempty"`
		Starmap   *Mapped           `json:"starmap,omitempty"`
		Chunks    *Mapped           `json:"chunks,omitempty"`
		Link      []Canvas          `json:"link,omitempty"`
		LinkError []Canvas          `json:"link_error,omitempty"`
		Labels    map[string]string `json:"labels,omitempty"`
	}{c.Chain, c.Group, c.Chord, c.Map, c.Starmap, c.Chunks, c.Link, c.LinkError, c.Labels})
}

// unescaped is json.Marshal that leaves <, > and & to whoever writes the whole.
func unescaped(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// UnmarshalJSON reads a canvas as strictly as calls are read.
func (c *Canvas) UnmarshalJSON(b []byte) error { return DecodeCanvas(bytes.Clone(b), c) }

// DecodeCanvas is UnmarshalJSON without its copy: what calls and items hold
// aliases b.
func DecodeCanvas(b []byte, c *Canvas) error {
	s := scanner{b: b}
	if err := s.utf8(); err != nil {
		return err
	}
	*c = Canvas{}
	if err := s.canvas(c, 0); err != nil {
		return err
	}
	return s.end()
}

// canvasFields are the kinds of canvases, in the order of their places.
var canvasFields = []string{"chain", "group", "chord", "map", "starmap", "chunks"}

// Where canvasFields begin among the places of a call's fields, and where those
// that are null and so not given.
const (
	kindPlace = 40
	nullPlace = 50
)

// canvas reads one canvas into c, which must be zero.
func (s *scanner) canvas(c *Canvas, depth int) error {
	if s.peek() != '{' {
		return s.want(`a canvas: a call such as {"task": "MODULE.TASK"}, or {"chain": […]}, "group", "chord", "map", "starmap" or "chunks"`)
	}
	if depth >= MaxDepth {
		return s.fail("nesting deeper than 200 levels")
	}
	s.i++
	call := &Call{}
	var seen uint64
	for first := true; ; first = false {
		name, ok, err := s.member(first)
		if err != nil {
			return err
		}
		if !ok {
			return s.settle(c, call, seen)
		}
		place, err := s.canvasField(c, call, name, depth+1)
		if err != nil {
			return InField(string(name), err)
		}
		if place < 0 {
			return unknownField(string(name), slices.Concat(canvasFields, callFields))
		}
		if seen&(1<<place) != 0 {
			return &FieldError{Field: string(name), Reason: "is given twice; give it once"}
		}
		seen |= 1 << place
	}
}

// settle decides, once all fields are known, what they make.
func (s *scanner) settle(c *Canvas, call *Call, seen uint64) error {
	kinds := seen >> kindPlace & (1<<len(canvasFields) - 1)
	switch {
	case kinds == 0:
		c.Call = call
		return s.count(1)
	case kinds&(kinds-1) != 0:
		var names []string
		for i, f := range canvasFields {
			if kinds&(1<<i) != 0 {
				names = append(names, f)
			}
		}
		return &FieldError{Field: names[1], Reason: "is given together with " + names[0] + "; a canvas is one of them, and holds the others"}
	}
	for i, f := range callFields {
		if seen&(1<<i) != 0 && f != "link" && f != "link_error" && f != "labels" {
			return &FieldError{Field: f, Reason: "is for a call alone; a canvas of several takes link, link_error and labels, the rest stands in its calls"}
		}
	}
	c.Link, c.LinkError, c.Labels = call.Link, call.LinkError, call.Labels
	return s.count(1) // an empty one has a place in the graph, too
}

// count bounds what one body may ask for.
func (s *scanner) count(n int) error {
	if s.tasks += n; s.tasks > MaxCanvas {
		return reason("has more than %d calls and canvases; send less at once", MaxCanvas)
	}
	return nil
}

// canvasField reads the value of one field and tells its place, -1 for a name
// that is none.
func (s *scanner) canvasField(c *Canvas, call *Call, name []byte, depth int) (place int, err error) {
	place = kindPlace
	for place < kindPlace+len(canvasFields) && canvasFields[place-kindPlace] != string(name) {
		place++
	}
	if place < kindPlace+len(canvasFields) && s.null() {
		return place + nullPlace - kindPlace, nil
	}
	switch string(name) {
	case "chain":
		c.Chain, err = s.canvases(depth, MaxCanvas)
	case "group":
		c.Group, err = s.canvases(depth, MaxCanvas)
	case "chord":
		c.Chord = &Chord{}
		err = s.chord(c.Chord, depth)
	case "map":
		c.Map = &Mapped{}
		err = s.mapped(c.Map, false, depth)
	case "starmap":
		c.Starmap = &Mapped{}
		err = s.mapped(c.Starmap, false, depth)
	case "chunks":
		c.Chunks = &Mapped{}
		err = s.mapped(c.Chunks, true, depth)
	default:
		return s.callField(call, name, depth)
	}
	return place, err
}

// canvases reads a list of canvases, which is not nil even if empty.
func (s *scanner) canvases(depth, most int) ([]Canvas, error) {
	if s.peek() != '[' {
		return nil, s.want("a list of calls and canvases")
	}
	s.i++
	list := []Canvas{}
	for first := true; ; first = false {
		ok, err := s.element(first)
		if err != nil || !ok {
			return list, err
		}
		if len(list) == most {
			return nil, reason("has more than %d entries", most)
		}
		list = append(list, Canvas{})
		if err := s.canvas(&list[len(list)-1], depth+1); err != nil {
			return nil, InField(fmt.Sprintf("[%d]", len(list)-1), err)
		}
	}
}

// fields reads an object of few fields, each of which must be there; do reads
// the value of the one at a place.
func (s *scanner) fields(names []string, such string, do func(place int) error) error {
	if s.peek() != '{' {
		return s.want(such)
	}
	s.i++
	var seen uint64
	for first := true; ; first = false {
		name, ok, err := s.member(first)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		place := 0
		for place < len(names) && names[place] != string(name) {
			place++
		}
		if place == len(names) {
			return unknownField(string(name), names)
		}
		if seen&(1<<place) != 0 {
			return &FieldError{Field: string(name), Reason: "is given twice; give it once"}
		}
		seen |= 1 << place
		if err := do(place); err != nil {
			return InField(string(name), err)
		}
	}
	for i, name := range names {
		if seen&(1<<i) == 0 {
			return &FieldError{Field: name, Reason: "is missing; want " + such}
		}
	}
	return nil
}

var (
	chordFields  = []string{"header", "body"}
	mappedFields = []string{"task", "items"}
	chunksFields = []string{"task", "items", "size"}
)

func (s *scanner) chord(c *Chord, depth int) error {
	return s.fields(chordFields, `{"header": [C, …], "body": C}`, func(place int) (err error) {
		if place == 0 {
			c.Header, err = s.canvases(depth+1, MaxCanvas)
			return err
		}
		return s.canvas(&c.Body, depth+1)
	})
}

func (s *scanner) mapped(m *Mapped, chunks bool, depth int) error {
	names, such := mappedFields, `{"task": {"task": "MODULE.TASK"}, "items": […]}`
	if chunks {
		names, such = chunksFields, `{"task": {"task": "MODULE.TASK"}, "items": […], "size": N}`
	}
	return s.fields(names, such, func(place int) (err error) {
		switch place {
		case 0:
			return s.call(&m.Task, depth+1)
		case 1:
			m.Items, err = s.items(depth + 1)
			return err
		}
		m.Size, err = s.int(1, MaxCanvas)
		return err
	})
}

// items reads a list of any values.
func (s *scanner) items(depth int) ([]json.RawMessage, error) {
	if s.peek() != '[' {
		return nil, s.want("a list")
	}
	s.i++
	list := []json.RawMessage{}
	for first := true; ; first = false {
		ok, err := s.element(first)
		if err != nil || !ok {
			return list, err
		}
		if err := s.count(1); err != nil {
			return nil, err
		}
		v, err := s.raw(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
}
