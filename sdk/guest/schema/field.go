package schema

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// field is one that encoding/json reads: the struct's own or one promoted from
// an embedded struct.
type field struct {
	reflect.StructField
	name     string // in JSON
	options  string // of the json tag
	tagged   bool   // the json tag names it
	optional bool   // behind an embedded pointer, which may stay nil
	hidden   bool   // behind an embedded pointer to a type that is not exported
	path     []int
}

// fieldsOf lists the fields of a struct by encoding/json's rules: of those with
// equal names the least embedded one counts, then the one that a tag names, and
// none where that leaves several.
func fieldsOf(t reflect.Type) []field {
	var all []field
	collect(t, field{}, &all, nil)
	best := map[string][]field{}
	for _, f := range all {
		old := best[f.name]
		switch {
		case old == nil || stronger(f, old[0]):
			best[f.name] = []field{f}
		case !stronger(old[0], f):
			best[f.name] = append(old, f)
		}
	}
	return slices.DeleteFunc(all, func(f field) bool {
		b := best[f.name]
		return len(b) != 1 || !slices.Equal(b[0].path, f.path)
	})
}

func stronger(a, b field) bool {
	if len(a.path) != len(b.path) {
		return len(a.path) < len(b.path)
	}
	return a.tagged && !b.tagged
}

// collect appends a struct's fields and those of the structs embedded in it.
// Outer is the field that embeds it.
func collect(t reflect.Type, outer field, all *[]field, above []reflect.Type) {
	if slices.Contains(above, t) {
		return // embeds itself
	}
	above = append(above, t)
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		inner := sf.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		embedded := sf.Anonymous && inner.Kind() == reflect.Struct
		if tag == "-" || !sf.IsExported() && !embedded {
			continue
		}
		f := field{
			StructField: sf, name: name, options: options, tagged: name != "",
			path: append(slices.Clone(outer.path), i), optional: outer.optional, hidden: outer.hidden,
		}
		if embedded && name == "" {
			if sf.Type.Kind() == reflect.Pointer {
				f.optional, f.hidden = true, outer.hidden || !sf.IsExported()
			}
			collect(inner, f, all, above)
			continue
		}
		if !sf.IsExported() {
			continue
		}
		if name == "" {
			f.name = sf.Name
		}
		*all = append(*all, f)
	}
}

// has reports whether the json tag has an option.
func (f *field) has(option string) bool {
	return slices.Contains(strings.Split(f.options, ","), option)
}

// fill derives what a struct's fields are.
func (b *builder) fill(s *Schema, t reflect.Type) error {
	s.Type = Types{"object"}
	args := map[int]string{}
	for _, f := range fieldsOf(t) {
		p, err := b.property(s, &f, args)
		if err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		s.Properties = append(s.Properties, Property{f.name, p})
	}
	if !b.options.Open {
		s.Additional = Never()
	}
	for i := range len(args) {
		name, ok := args[i]
		if !ok {
			return fmt.Errorf("%d fields have an arg=N, but none has arg=%d", len(args), i)
		}
		s.Args = append(s.Args, name)
	}
	return nil
}

// property derives one field's schema, and notes in its object whether it is
// required and which positional argument it is.
func (b *builder) property(object *Schema, f *field, args map[int]string) (*Schema, error) {
	if f.hidden {
		return nil, errors.New("encoding/json sets no field of an embedded pointer to a type that is not exported")
	}
	p, err := b.schema(f.Type)
	if err != nil {
		return nil, err
	}
	if f.has("string") && (p.is("number") || p.is("boolean")) {
		p = &Schema{Type: Types{"string"}, nullable: p.nullable} // a number or true within quotes
	}
	settings, err := parseTag(f.Tag.Get("windrow"))
	if err != nil {
		return nil, err
	}
	optional := f.optional || f.Type.Kind() == reflect.Pointer || f.has("omitempty") || f.has("omitzero")
	var said *bool
	for _, k := range settings {
		switch k.key {
		case "required", "optional":
			if !k.bare {
				return nil, fmt.Errorf("%s takes no value", k.key)
			}
			said = new(k.key == "optional")
		case "arg":
			n, err := strconv.Atoi(k.value)
			if err != nil || n < 0 || args[n] != "" {
				return nil, fmt.Errorf("arg=%s: say each of 0, 1, 2 … once", k.value)
			}
			args[n] = f.name
		default:
			if err := p.apply(k); err != nil {
				return nil, err
			}
		}
	}
	if err := p.settled(); err != nil {
		return nil, err
	}
	if p.Default != nil {
		optional = true
	}
	if said != nil {
		optional = *said
	}
	if !optional {
		object.Required = append(object.Required, f.name)
	}
	return p, nil
}
