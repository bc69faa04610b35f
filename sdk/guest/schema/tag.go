package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// setting is one item of a `windrow:"…"` tag.
type setting struct {
	key, value string
	bare       bool // no "="
}

// parseTag cuts a tag at its commas. A value that begins with ' goes to the
// next ' and may hold commas; two of them are one.
func parseTag(tag string) ([]setting, error) {
	var all []setting
	for rest := tag; rest != ""; {
		var s setting
		end := strings.IndexAny(rest, "=,")
		if end < 0 {
			end = len(rest)
		}
		s.key = strings.TrimSpace(rest[:end])
		s.bare = end == len(rest) || rest[end] == ','
		if rest = rest[end:]; !s.bare {
			var err error
			if s.value, rest, err = parseValue(rest[1:]); err != nil {
				return nil, err
			}
		}
		if rest != "" {
			rest = rest[1:] // the comma
		}
		if s.key == "" {
			return nil, fmt.Errorf("the tag %q has an item without a name", tag)
		}
		all = append(all, s)
	}
	return all, nil
}

// parseValue reads a value and gives what comes behind it: nothing, or a comma
// and more.
func parseValue(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, "'") {
		end := strings.IndexByte(text, ',')
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] != '\'':
			b.WriteByte(text[i])
		case strings.HasPrefix(text[i:], "''"):
			b.WriteByte('\'')
			i++
		case i+1 < len(text) && text[i+1] != ',':
			return "", "", fmt.Errorf("%s: behind the closing ' comes a comma or nothing", text)
		default:
			return b.String(), text[i+1:], nil
		}
	}
	return "", "", fmt.Errorf("%s: the closing ' is missing", text)
}

// apply puts a setting into the schema of a field. Those that concern the
// object around it are not here.
func (s *Schema) apply(k setting) error {
	if inner, ok := strings.CutPrefix(k.key, "items."); ok {
		k.key = inner
		switch {
		case s.Items != nil:
			return s.Items.apply(k)
		case s.Additional != nil && !s.Additional.never:
			return s.Additional.apply(k)
		}
		return fmt.Errorf("items.%s: only a slice or a map has items", inner)
	}
	if s.Ref != "" || s.AnyOf != nil {
		return fmt.Errorf("%s: a recursive type takes no settings", k.key)
	}
	switch k.key {
	case "desc":
		s.Description = k.value
	case "title":
		s.Title = k.value
	case "format":
		return s.wants(k, "string", func() error { s.Format = k.value; return nil })
	case "pattern":
		return s.wants(k, "string", func() error { return s.setPattern(k.value) })
	case "unique":
		return s.wants(k, "array", func() error { s.UniqueItems = true; return nil })
	case "min", "max":
		return s.setBound(k)
	case "gt":
		return s.wants(k, "number", func() (err error) { s.ExclusiveMinimum, err = number(k.value); return err })
	case "lt":
		return s.wants(k, "number", func() (err error) { s.ExclusiveMaximum, err = number(k.value); return err })
	case "enum":
		return s.setEnum(k.value)
	case "default":
		return s.setValue(k, func(v json.RawMessage) { s.Default = v })
	case "example":
		return s.setValue(k, func(v json.RawMessage) { s.Examples = append(s.Examples, v) })
	default:
		return fmt.Errorf("there is no setting %q; there are arg, default, desc, enum, example, format, gt, items.…, lt, max, min, optional, pattern, required, title, unique", k.key)
	}
	return nil
}

// wants runs set where the schema has the type.
func (s *Schema) wants(k setting, kind string, set func() error) error {
	if !s.is(kind) {
		return fmt.Errorf("%s is for a %s", k.key, kind)
	}
	if err := set(); err != nil {
		return fmt.Errorf("%s: %w", k.key, err)
	}
	return nil
}

// is reports whether the type is among those allowed; integers are numbers.
func (s *Schema) is(kind string) bool {
	return slices.Contains(s.Type, kind) || kind == "number" && slices.Contains(s.Type, "integer")
}

func (s *Schema) setPattern(pattern string) error {
	if _, err := matches(pattern, ""); err != nil {
		return err
	}
	s.Pattern = pattern
	return nil
}

// setBound is min or max: of a number its value, of a string, a list or an
// object its length.
func (s *Schema) setBound(k setting) error {
	low := k.key == "min"
	if s.is("number") {
		n, err := number(k.value)
		if err != nil {
			return fmt.Errorf("%s: %w", k.key, err)
		}
		*pick(low, &s.Minimum, &s.Maximum) = n
		return nil
	}
	n, err := strconv.Atoi(k.value)
	if err != nil || n < 0 {
		return fmt.Errorf("%s: %q is no length", k.key, k.value)
	}
	switch {
	case s.is("string"):
		*pick(low, &s.MinLength, &s.MaxLength) = &n
	case s.is("array"):
		*pick(low, &s.MinItems, &s.MaxItems) = &n
	case s.is("object"):
		*pick(low, &s.MinProperties, &s.MaxProperties) = &n
	default:
		return fmt.Errorf("%s is for a number, a string, a list or an object", k.key)
	}
	return nil
}

func pick[T any](first bool, a, b *T) *T {
	if first {
		return a
	}
	return b
}

func (s *Schema) setEnum(list string) error {
	s.Enum = nil
	for item := range strings.SplitSeq(list, "|") {
		v, err := s.value(item)
		if err != nil {
			return fmt.Errorf("enum: %w", err)
		}
		s.Enum = append(s.Enum, v)
	}
	if s.is("null") {
		s.Enum = append(s.Enum, json.RawMessage("null"))
	}
	return nil
}

// setValue reads a value; settled holds it to the schema later.
func (s *Schema) setValue(k setting, set func(json.RawMessage)) error {
	v, err := s.value(k.value)
	if err != nil {
		return fmt.Errorf("%s: %w", k.key, err)
	}
	set(v)
	return nil
}

// value makes JSON of a value in a tag: a string stands there without its
// quotes, anything else as JSON.
func (s *Schema) value(text string) (json.RawMessage, error) {
	if s.is("string") {
		return encode(text)
	}
	v := json.RawMessage(strings.TrimSpace(text))
	if !json.Valid(v) {
		return nil, fmt.Errorf("%q is no JSON", text)
	}
	if faults := (&Schema{Type: s.Type, Items: s.Items}).Check(v); len(faults) > 0 {
		return nil, fmt.Errorf("%s %s", text, faults[0].Reason)
	}
	return v, nil
}

// settled holds defaults and examples to the schema that they stand in.
func (s *Schema) settled() error {
	values := s.Examples
	if s.Default != nil {
		values = append(slices.Clip(values), s.Default)
	}
	for _, value := range values {
		if faults := s.Check(value); len(faults) > 0 {
			return fmt.Errorf("the default or example %s %s", value, faults[0].Reason)
		}
	}
	return nil
}

func number(text string) (json.Number, error) {
	text = strings.TrimSpace(text)
	if _, err := strconv.ParseFloat(text, 64); err != nil || !json.Valid([]byte(text)) {
		return "", fmt.Errorf("%q is no number", text)
	}
	return json.Number(text), nil
}
