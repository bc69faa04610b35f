package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
)

// Decode reads one JSON value into v, a pointer to a struct, as strictly as
// calls are read: an unknown field, a wrong type, a nesting deeper than
// MaxDepth and anything after the value are refused, with the field named.
func Decode(b []byte, v any) error {
	s := scanner{b: b}
	if err := s.utf8(); err != nil {
		return err
	}
	if _, err := s.raw(0); err != nil {
		return err
	}
	if err := s.end(); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType):
		return &FieldError{Field: wrongType.Field, Reason: "want " + kindOf(wrongType.Type) + ", got " + articled(wrongType.Value)}
	case strings.HasPrefix(err.Error(), unknownPrefix):
		name := strings.Trim(err.Error()[len(unknownPrefix):], `"`)
		return unknownField(name, tags(reflect.TypeOf(v).Elem()))
	}
	if f, ok := errors.AsType[*FieldError](err); ok {
		return f
	}
	return reason("%v", err)
}

// unknownPrefix is how encoding/json says it; there is no type for it.
const unknownPrefix = "json: unknown field "

func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		return "a whole number of at least 0"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

func articled(found string) string {
	switch found {
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "bool":
		return "true or false"
	case "string", "number":
		return "a " + found
	}
	return found
}

func tags(t reflect.Type) []string {
	if t.Kind() != reflect.Struct {
		return nil
	}
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
