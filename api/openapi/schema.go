package openapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Schema is the part of JSON Schema 2020-12 that the document uses.
type Schema struct {
	Ref         string            `json:"$ref,omitempty"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Type        any               `json:"type,omitempty"` // a name or a list of names
	Format      string            `json:"format,omitempty"`
	Pattern     string            `json:"pattern,omitempty"`
	Enum        []any             `json:"enum,omitempty"`
	Default     any               `json:"default,omitempty"`
	Minimum     *float64          `json:"minimum,omitempty"`
	Maximum     *float64          `json:"maximum,omitempty"`
	MinLength   int               `json:"minLength,omitempty"`
	MaxLength   int               `json:"maxLength,omitempty"`
	Items       *Schema           `json:"items,omitempty"`
	MinItems    int               `json:"minItems,omitempty"`
	MaxItems    int               `json:"maxItems,omitempty"`
	Properties  Members[*Schema]  `json:"properties,omitempty"`
	Required    []string          `json:"required,omitempty"`
	MaxMembers  int               `json:"maxProperties,omitempty"`
	Additional  any               `json:"additionalProperties,omitempty"` // false or a *Schema
	AnyOf       []*Schema         `json:"anyOf,omitempty"`
	AllOf       []*Schema         `json:"allOf,omitempty"`
	Not         *Schema           `json:"not,omitempty"`
	Examples    []any             `json:"examples,omitempty"`
	Meanings    map[string]string `json:"x-meanings,omitempty"` // of the values of Enum
}

// RefTo is a schema of the components.
func RefTo(name string) *Schema { return &Schema{Ref: "#/components/schemas/" + name} }

// Limits of a number.
func Limits(lowest, highest float64) *Schema {
	return &Schema{Minimum: &lowest, Maximum: &highest}
}

// Texts makes an Enum of strings.
func Texts(list ...string) *Schema {
	s := &Schema{}
	for _, v := range list {
		s.Enum = append(s.Enum, v)
	}
	return s
}

// merge lays what o says over s.
func (s *Schema) merge(o *Schema) {
	to, from := reflect.ValueOf(s).Elem(), reflect.ValueOf(o).Elem()
	for i := range from.NumField() {
		if f := from.Field(i); !f.IsZero() {
			to.Field(i).Set(f)
		}
	}
}

// Facts say of types and fields what reflection cannot know.
type Facts struct {
	// Types are schemas of Go types, in place of what reflection would make.
	Types map[reflect.Type]*Schema
	// Fields add to a field, by "Type.json_name".
	Fields map[string]*Schema
	// Descriptions are texts, by "Type" and "Type.json_name".
	Descriptions map[string]string
	// Requests are types that a client sends: they have no other fields
	// than those known, and a field that is not required may be null.
	Requests map[string]bool
	// Optional names fields, "Type.json_name", that a client may leave out
	// though a Go program always writes them.
	Optional map[string]bool
}

// Schemas gathers the schemas of Go types.
type Schemas struct {
	Facts Facts
	List  Members[*Schema]
}

var rawMessage = reflect.TypeFor[json.RawMessage]()

// Of gives a type's schema: a reference for structs, which go into the list.
func (c *Schemas) Of(t reflect.Type) (*Schema, error) {
	if s, ok := c.Facts.Types[t]; ok {
		name := t.Name()
		if _, ok := c.List.Get(name); !ok {
			own := *s
			if own.Description == "" {
				own.Description = c.Facts.Descriptions[name]
			}
			c.List.Add(name, &own)
		}
		return RefTo(name), nil
	}
	if t == rawMessage {
		return &Schema{}, nil
	}
	zero := 0.0
	switch t.Kind() {
	case reflect.Pointer:
		return c.Of(t.Elem())
	case reflect.String:
		return &Schema{Type: "string"}, nil
	case reflect.Bool:
		return &Schema{Type: "boolean"}, nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return &Schema{Type: "integer"}, nil
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		return &Schema{Type: "integer", Minimum: &zero}, nil
	case reflect.Float64:
		return &Schema{Type: "number"}, nil
	case reflect.Slice:
		items, err := c.Of(t.Elem())
		return &Schema{Type: "array", Items: items}, err
	case reflect.Map:
		values, err := c.Of(t.Elem())
		return &Schema{Type: "object", Additional: values}, err
	case reflect.Struct:
		return c.object(t)
	}
	return nil, fmt.Errorf("no schema for Go type %s", t)
}

// nameOf is a struct's name; that of List[Task] is TaskList.
func nameOf(t reflect.Type) string {
	name, of, generic := strings.Cut(t.Name(), "[")
	if !generic {
		return name
	}
	of = strings.TrimSuffix(of, "]")
	return of[strings.LastIndexByte(of, '.')+1:] + name
}

func (c *Schemas) object(t reflect.Type) (*Schema, error) {
	name := nameOf(t)
	if _, ok := c.List.Get(name); ok {
		return RefTo(name), nil
	}
	s := &Schema{Type: "object", Description: c.Facts.Descriptions[name]}
	c.List.Add(name, s)
	request := c.Facts.Requests[name]
	if request {
		s.Additional = false
	}
	facts, _, _ := strings.Cut(t.Name(), "[")
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "" || tag == "-" {
			return nil, fmt.Errorf("field %s.%s has no JSON name", name, f.Name)
		}
		p, err := c.field(f.Type, facts+"."+tag)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", name, tag, err)
		}
		switch optional := strings.Contains(options, "omit") || c.Facts.Optional[facts+"."+tag]; {
		case !optional:
			s.Required = append(s.Required, tag)
		case request:
			p = orNull(p)
		}
		s.Properties.Add(tag, p)
	}
	return RefTo(name), nil
}

func (c *Schemas) field(t reflect.Type, name string) (*Schema, error) {
	s, err := c.Of(t)
	if err != nil {
		return nil, err
	}
	if add := c.Facts.Fields[name]; add != nil {
		s.merge(add)
	}
	if text := c.Facts.Descriptions[name]; text != "" {
		s.Description = text
	}
	return s, nil
}

// orNull also allows null.
func orNull(s *Schema) *Schema {
	name, named := s.Type.(string)
	switch {
	case s.Ref != "":
		return &Schema{Description: s.Description, AnyOf: []*Schema{{Ref: s.Ref}, {Type: "null"}}}
	case named:
		s.Type = []string{name, "null"}
		if s.Enum != nil {
			s.Enum = append(slices.Clip(s.Enum), nil)
		}
	}
	return s
}
