// Package schema derives JSON Schemas (2020-12) from Go types and checks JSON
// against them. The guest SDK uses it to tell which arguments a task takes.
//
// [Of] emits a small part of JSON Schema, which [Schema] lists in full, so that
// a check at submission, a form or a client generator has little to know. It is
// no validator of schemas written elsewhere.
package schema

import (
	"bytes"
	"encoding/json"
)

// Dialect is the version of JSON Schema that is emitted.
const Dialect = "https://json-schema.org/draft/2020-12/schema"

// Schema is one schema. Its fields are all the keywords that are ever emitted;
// the zero value allows anything.
type Schema struct {
	Dialect string `json:"$schema,omitempty"` // at the root alone
	// Ref is "#/$defs/NAME"; it stands alone. Only recursive types have one.
	Ref string `json:"$ref,omitempty"`
	// AnyOf has two members, a $ref and {"type": "null"}: a pointer to a
	// recursive type.
	AnyOf []*Schema `json:"anyOf,omitempty"`

	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Type        Types             `json:"type,omitempty"`
	Enum        []json.RawMessage `json:"enum,omitempty"`
	Default     json.RawMessage   `json:"default,omitempty"`
	Examples    []json.RawMessage `json:"examples,omitempty"`

	// Strings. Lengths are in code points.
	MinLength       *int   `json:"minLength,omitempty"`
	MaxLength       *int   `json:"maxLength,omitempty"`
	Pattern         string `json:"pattern,omitempty"` // RE2, which ECMA 262 contains but for flags
	Format          string `json:"format,omitempty"`
	ContentEncoding string `json:"contentEncoding,omitempty"` // base64

	// Numbers.
	Minimum          json.Number `json:"minimum,omitempty"`
	Maximum          json.Number `json:"maximum,omitempty"`
	ExclusiveMinimum json.Number `json:"exclusiveMinimum,omitempty"`
	ExclusiveMaximum json.Number `json:"exclusiveMaximum,omitempty"`

	// Lists.
	Items       *Schema `json:"items,omitempty"`
	MinItems    *int    `json:"minItems,omitempty"`
	MaxItems    *int    `json:"maxItems,omitempty"`
	UniqueItems bool    `json:"uniqueItems,omitempty"`

	// Objects.
	Properties    Properties `json:"properties,omitempty"`
	Required      []string   `json:"required,omitempty"`
	Additional    *Schema    `json:"additionalProperties,omitempty"` // false where it is Never
	PropertyNames *Schema    `json:"propertyNames,omitempty"`        // of maps whose keys are numbers: a pattern
	MinProperties *int       `json:"minProperties,omitempty"`
	MaxProperties *int       `json:"maxProperties,omitempty"`

	// Args are the names of the properties that positional arguments stand
	// for, in order; see package guest.
	Args []string `json:"x-windrow-args,omitempty"`

	Defs Properties `json:"$defs,omitempty"` // at the root alone

	never  bool
	target *Schema // of Ref
	// nullable: Go reads null as the empty value, though the schema does not
	// advertise it.
	nullable bool
	fills    bool // it, or what is within, may have a default to fill in
}

// Root is the schema itself, or what it refers to.
func (s *Schema) Root() *Schema {
	for s.target != nil {
		s = s.target
	}
	return s
}

// Never allows nothing: the schema false.
func Never() *Schema { return &Schema{never: true} }

// MarshalJSON writes keywords in the order of the fields.
func (s *Schema) MarshalJSON() ([]byte, error) {
	if s.never {
		return []byte("false"), nil
	}
	type plain Schema
	return encode((*plain)(s))
}

// Types are the JSON types that are allowed; none allows all.
type Types []string

// MarshalJSON writes a single type as a string.
func (t Types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return encode(t[0])
	}
	return encode([]string(t))
}

// Property is a named schema.
type Property struct {
	Name   string
	Schema *Schema
}

// Properties are in the order of a struct's fields, which JSON keeps for those
// who make a form of it.
type Properties []Property

// Get finds a property's schema, nil where there is none.
func (p Properties) Get(name string) *Schema {
	if i := p.index(name); i >= 0 {
		return p[i].Schema
	}
	return nil
}

func (p Properties) index(name string) int {
	for i := range p {
		if p[i].Name == name {
			return i
		}
	}
	return -1
}

// MarshalJSON writes an object in the order of p.
func (p Properties) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, property := range p {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := encode(property.Name)
		if err != nil {
			return nil, err
		}
		value, err := property.Schema.MarshalJSON()
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// encode is json.Marshal that leaves <, > and & readable.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
