package schema

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// Provider is a type that knows its schema better than its Go type tells, such
// as one with an UnmarshalJSON of its own. The method is called on the zero
// value.
type Provider interface{ WindrowSchema() *Schema }

// Enumeration is a string type that has only these values.
type Enumeration interface{ Enum() []string }

// Options say how to derive.
type Options struct {
	// Open lets objects have properties that the struct does not know.
	Open bool
}

// Of derives the schema of a Go type as encoding/json reads it. Struct fields
// may say more by a tag, `windrow:"min=1,max=9,desc=…"`; see package guest.
func Of(t reflect.Type, options Options) (*Schema, error) {
	b := builder{options: options, names: map[string]int{}, named: map[reflect.Type]string{}, schemas: map[string]*Schema{}}
	if t == nil {
		t = anyType
	}
	b.findRecursive(t, nil)
	s, err := b.schema(t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	if s.Ref != "" { // the root itself is recursive
		s = &Schema{Ref: s.Ref, target: s.target}
	}
	s.Dialect, s.Defs = Dialect, b.defs
	for _, d := range b.defs {
		d.Schema.findDefaults()
	}
	s.findDefaults()
	return s, nil
}

var (
	anyType      = reflect.TypeFor[any]()
	timeType     = reflect.TypeFor[time.Time]()
	rawType      = reflect.TypeFor[json.RawMessage]()
	numberType   = reflect.TypeFor[json.Number]()
	providerType = reflect.TypeFor[Provider]()
	enumType     = reflect.TypeFor[Enumeration]()
	jsonType     = reflect.TypeFor[json.Unmarshaler]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// builder derives the schemas of one root.
type builder struct {
	options Options
	named   map[reflect.Type]string // recursive types
	names   map[string]int          // names given, with how often
	schemas map[string]*Schema
	defs    Properties
}

// findRecursive names the struct types that contain themselves.
func (b *builder) findRecursive(t reflect.Type, above []reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		b.findRecursive(t.Elem(), above)
		return
	case reflect.Struct:
	default:
		return
	}
	if own(t) {
		return
	}
	if slices.Contains(above, t) {
		b.name(t)
		return
	}
	above = append(above, t)
	for i := range t.NumField() {
		b.findRecursive(t.Field(i).Type, above)
	}
}

func (b *builder) name(t reflect.Type) {
	if b.named[t] != "" {
		return
	}
	name := t.Name()
	if b.names[name]++; b.names[name] > 1 {
		name += strconv.Itoa(b.names[name])
	}
	b.named[t] = name
}

// own reports whether a type decodes itself, so that its kind tells nothing.
func own(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(providerType) || p.Implements(jsonType) || p.Implements(textType) || t == rawType
}

// schema derives a type's schema.
func (b *builder) schema(t reflect.Type) (*Schema, error) {
	if t.Kind() != reflect.Pointer {
		if s := special(t); s != nil {
			return s, nil
		}
	}
	switch k := t.Kind(); k {
	case reflect.Bool:
		return &Schema{Type: Types{"boolean"}}, nil
	case reflect.String:
		s := &Schema{Type: Types{"string"}}
		return s, s.enumerate(t)
	case reflect.Float32, reflect.Float64:
		return &Schema{Type: Types{"number"}}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return integer(t), nil
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return nil, fmt.Errorf("%s: encoding/json reads no interface but any", t)
		}
		return &Schema{nullable: true}, nil
	case reflect.Pointer:
		return b.pointer(t)
	case reflect.Slice, reflect.Array:
		return b.list(t)
	case reflect.Map:
		return b.table(t)
	case reflect.Struct:
		return b.object(t)
	default:
		return nil, fmt.Errorf("%s: a %s is no JSON", t, k)
	}
}

// special is the schema of a type that is not read by its kind.
func special(t reflect.Type) *Schema {
	p := reflect.PointerTo(t)
	switch {
	case p.Implements(providerType):
		provider, _ := reflect.TypeAssert[Provider](reflect.New(t))
		s := *provider.WindrowSchema() // a copy: settings are put into it
		s.Type = slices.Clone(s.Type)
		return &s
	case t == timeType:
		return &Schema{Type: Types{"string"}, Format: "date-time"}
	case t == rawType:
		return &Schema{nullable: true}
	case t == numberType:
		return &Schema{Type: Types{"number"}}
	case p.Implements(jsonType):
		return &Schema{nullable: true}
	case p.Implements(textType):
		s := &Schema{Type: Types{"string"}}
		_ = s.enumerate(t) // what is no string type has no values to name
		return s
	}
	return nil
}

// enumerate asks a string type for its values.
func (s *Schema) enumerate(t reflect.Type) error {
	if !reflect.PointerTo(t).Implements(enumType) {
		return nil
	}
	e, _ := reflect.TypeAssert[Enumeration](reflect.New(t))
	for _, v := range e.Enum() {
		text, err := encode(v)
		if err != nil {
			return err
		}
		s.Enum = append(s.Enum, text)
	}
	return nil
}

// integer bounds the small ones; the bounds of 64 bits are beyond what JSON's
// numbers hold for most who read them.
func integer(t reflect.Type) *Schema {
	s := &Schema{Type: Types{"integer"}}
	bits := t.Bits()
	if k := t.Kind(); k >= reflect.Uint && k <= reflect.Uintptr {
		s.Minimum = "0"
		if bits < 64 && k != reflect.Uint && k != reflect.Uintptr {
			s.Maximum = json.Number(strconv.FormatUint(1<<bits-1, 10))
		}
	} else if bits < 64 && k != reflect.Int {
		s.Minimum = json.Number(strconv.FormatInt(-1<<(bits-1), 10))
		s.Maximum = json.Number(strconv.FormatInt(1<<(bits-1)-1, 10))
	}
	return s
}

// pointer allows null beside what it points to.
func (b *builder) pointer(t reflect.Type) (*Schema, error) {
	s, err := b.schema(t.Elem())
	switch {
	case err != nil:
		return nil, err
	case s.Ref != "":
		return &Schema{AnyOf: []*Schema{s, {Type: Types{"null"}}}, nullable: true}, nil
	case s.Type != nil && !s.is("null"):
		s.Type = append(s.Type, "null")
		if s.Enum != nil {
			s.Enum = append(s.Enum, json.RawMessage("null"))
		}
	}
	s.nullable = true
	return s, nil
}

func (b *builder) list(t reflect.Type) (*Schema, error) {
	if e := t.Elem(); t.Kind() == reflect.Slice && e.Kind() == reflect.Uint8 && !own(e) {
		return &Schema{Type: Types{"string"}, ContentEncoding: "base64", nullable: true}, nil
	}
	items, err := b.schema(t.Elem())
	if err != nil {
		return nil, err
	}
	s := &Schema{Type: Types{"array"}, Items: items, nullable: t.Kind() == reflect.Slice}
	if t.Kind() == reflect.Array {
		n := t.Len()
		s.MinItems, s.MaxItems = &n, &n
	}
	return s, nil
}

// wholeNumber is what the names of a map with integer keys look like.
const wholeNumber = `^-?[0-9]+$`

func (b *builder) table(t reflect.Type) (*Schema, error) {
	values, err := b.schema(t.Elem())
	if err != nil {
		return nil, err
	}
	s := &Schema{Type: Types{"object"}, Additional: values, nullable: true}
	k := t.Key()
	switch kind := k.Kind(); {
	case kind == reflect.String || reflect.PointerTo(k).Implements(textType):
	case kind >= reflect.Int && kind <= reflect.Uintptr:
		s.PropertyNames = &Schema{Pattern: wholeNumber}
	default:
		return nil, errors.New(t.String() + ": the keys of a map are strings or integers")
	}
	return s, nil
}

// object derives a struct's schema, once where it is recursive.
func (b *builder) object(t reflect.Type) (*Schema, error) {
	name := b.named[t]
	if name == "" {
		s := &Schema{}
		return s, b.fill(s, t)
	}
	s, begun := b.schemas[name]
	if !begun {
		s = &Schema{}
		b.schemas[name] = s
		b.defs = append(b.defs, Property{name, s})
		if err := b.fill(s, t); err != nil {
			return nil, err
		}
	}
	return &Schema{Ref: "#/$defs/" + name, target: s}, nil
}
