package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/windrow-dev/windrow/sdk/guest/internal/scan"
)

// Fault is one thing that is wrong with a value.
type Fault struct {
	Field  string // "recipients[2].email"; "" is the whole
	Reason string // "is missing", "is -1; it is at least 0"
}

// Error names the field, or the input as a whole.
func (f Fault) Error() string {
	if f.Field == "" {
		return "the input " + f.Reason
	}
	return f.Field + " " + f.Reason
}

// maxFaults is where a check stops: nobody reads more.
const maxFaults = 10

// Check says what is wrong with a JSON text. It is more lenient than the
// schema in what a Go program reads without harm: null for an empty list or
// object, and properties that the struct does not have.
func (s *Schema) Check(text []byte) []Fault {
	if !json.Valid(text) {
		return []Fault{{Reason: "is no JSON"}}
	}
	return s.CheckValue(text, false)
}

// CheckStrictly is Check with unknown properties refused where the schema
// does, as it is done before a task is submitted.
func (s *Schema) CheckStrictly(text []byte) []Fault {
	if !json.Valid(text) {
		return []Fault{{Reason: "is no JSON"}}
	}
	return s.CheckValue(text, true)
}

// CheckValue is Check or CheckStrictly of what is known to be JSON. It walks the
// text in place, so that checking costs no memory.
func (s *Schema) CheckValue(text []byte, strict bool) []Fault {
	c := checker{strict: strict}
	c.value(s, scan.Trim(text), "")
	return c.faults
}

type checker struct {
	strict bool
	faults []Fault
}

func (c *checker) fault(field, format string, args ...any) {
	if len(c.faults) < maxFaults {
		c.faults = append(c.faults, Fault{field, fmt.Sprintf(format, args...)})
	}
}

// value checks one value. Text has no space around it.
func (c *checker) value(s *Schema, text []byte, at string) {
	s = s.Root()
	if len(c.faults) == maxFaults {
		return
	}
	kind := kindOf(text)
	if kind == "null" && s.nullable {
		return
	}
	if len(s.AnyOf) > 0 {
		c.value(s.AnyOf[0], text, at)
		return
	}
	if len(s.Type) > 0 && !s.is(kind) {
		c.fault(at, "is %s; it is to be %s", short(text), s.Type)
		return
	}
	if len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(e json.RawMessage) bool { return same(e, text) }) {
		c.fault(at, "is %s; it is one of %s", short(text), choices(s.Enum))
		return
	}
	switch kind {
	case "string":
		c.text(s, text, at)
	case "number":
		c.number(s, text, at)
	case "array":
		c.list(s, text, at)
	case "object":
		c.object(s, text, at)
	}
}

func kindOf(text []byte) string {
	switch text[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

func (c *checker) text(s *Schema, text []byte, at string) {
	if s.MinLength == nil && s.MaxLength == nil && s.Pattern == "" && s.Format != "date-time" {
		return
	}
	value := scan.String(text)
	c.length(utf8.RuneCountInString(value), s.MinLength, s.MaxLength, at, "characters")
	if s.Pattern != "" {
		if ok, err := matches(s.Pattern, value); err != nil || !ok {
			c.fault(at, "is %s; it matches %s", short(text), s.Pattern)
		}
	}
	if s.Format == "date-time" {
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			c.fault(at, "is %s; it is a time such as \"2026-11-24T09:30:00Z\"", short(text))
		}
	}
}

func (c *checker) length(n int, low, high *int, at, of string) {
	switch {
	case low != nil && n < *low:
		c.fault(at, "has %d %s; it has at least %d", n, of, *low)
	case high != nil && n > *high:
		c.fault(at, "has %d %s; it has at most %d", n, of, *high)
	}
}

func (c *checker) number(s *Schema, text []byte, at string) {
	if !slices.Contains(s.Type, "number") && slices.Contains(s.Type, "integer") && strings.ContainsAny(string(text), ".eE") {
		c.fault(at, "is %s; it is to be a whole number, written without . and e", text)
		return
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		c.fault(at, "is %s, which is too large a number", short(text))
		return
	}
	switch {
	case v < bound(s.Minimum, -1):
		c.fault(at, "is %s; it is at least %s", text, s.Minimum)
	case v > bound(s.Maximum, 1):
		c.fault(at, "is %s; it is at most %s", text, s.Maximum)
	case v <= bound(s.ExclusiveMinimum, -1):
		c.fault(at, "is %s; it is more than %s", text, s.ExclusiveMinimum)
	case v >= bound(s.ExclusiveMaximum, 1):
		c.fault(at, "is %s; it is less than %s", text, s.ExclusiveMaximum)
	}
}

// bound is the number, or infinity with the sign where there is none.
func bound(n json.Number, sign int) float64 {
	if n == "" {
		return math.Inf(sign)
	}
	f, _ := n.Float64() // was read when the tag was
	return f
}

func (c *checker) list(s *Schema, text []byte, at string) {
	n := 0
	var seen map[string]bool
	if s.UniqueItems {
		seen = map[string]bool{}
	}
	for i, item := range scan.Elements(text) {
		n++
		if s.Items != nil {
			c.value(s.Items, item, at+"["+strconv.Itoa(i)+"]")
		}
		if seen[string(item)] {
			c.fault(at, "has %s twice", short(item))
		}
		if seen != nil {
			seen[string(item)] = true
		}
	}
	c.length(n, s.MinItems, s.MaxItems, at, "elements")
}

func (c *checker) object(s *Schema, text []byte, at string) {
	n := 0
	have := make([]bool, len(s.Required))
	for name, value := range scan.Members(text) {
		n++
		if i := slices.Index(s.Required, name); i >= 0 {
			have[i] = true
		}
		p, under := s.Properties.Get(name), join(at, name)
		switch {
		case p != nil:
			c.value(p, value, under)
		case s.Additional == nil:
		case !s.Additional.never:
			c.value(s.Additional, value, under)
			if s.PropertyNames != nil && !whole(name) {
				c.fault(at, "has the key %q; its keys are whole numbers", name)
			}
		case c.strict:
			c.fault(under, "is unknown%s", nearest(name, s.Properties))
		}
	}
	for i, ok := range have {
		if !ok {
			c.fault(join(at, s.Required[i]), "is missing")
		}
	}
	c.length(n, s.MinProperties, s.MaxProperties, at, "members")
}

func whole(name string) bool {
	_, err := strconv.ParseInt(name, 10, 64)
	return err == nil
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// nearest points at the property that was meant, or lists them.
func nearest(name string, p Properties) string {
	names := make([]string, 0, len(p))
	for _, known := range p {
		if strings.EqualFold(strings.ReplaceAll(known.Name, "_", ""), strings.ReplaceAll(name, "_", "")) {
			return fmt.Sprintf("; it is written %q", known.Name)
		}
		names = append(names, known.Name)
	}
	if len(names) == 0 {
		return "; nothing is known here"
	}
	return "; there is " + strings.Join(names, ", ")
}

// same compares a value with one of an enum: text by what it says, numbers by
// what they are.
func same(a, b []byte) bool {
	if string(a) == string(b) {
		return true
	}
	if len(a) == 0 || kindOf(a) != kindOf(b) {
		return false
	}
	switch kindOf(a) {
	case "string":
		return scan.String(a) == scan.String(b)
	case "number":
		x, errX := strconv.ParseFloat(string(a), 64)
		y, errY := strconv.ParseFloat(string(b), 64)
		return errX == nil && errY == nil && x == y
	}
	return false
}

func choices(list []json.RawMessage) string {
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = string(v)
	}
	return strings.Join(all, ", ")
}

// maxShort is how much of a wrong value is quoted back, bytes.
const maxShort = 40

func short(text []byte) string {
	if len(text) <= maxShort {
		return string(text)
	}
	return strings.ToValidUTF8(string(text[:maxShort]), "") + "…"
}

// String says what the types are, for people.
func (t Types) String() string {
	names := map[string]string{
		"boolean": "true or false", "integer": "a whole number", "number": "a number", "string": "a string",
		"array": "a list", "object": "an object", "null": "null",
	}
	var all []string
	for _, name := range t {
		all = append(all, names[name])
	}
	return strings.Join(all, " or ")
}
