package schema_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/windrow-dev/windrow/sdk/guest/schema"
)

type order struct {
	ID      string           `json:"id" windrow:"min=2,max=4,pattern=^[a-zü]+$"`
	Count   int              `json:"count" windrow:"min=1,max=10"`
	Share   float64          `json:"share,omitempty" windrow:"gt=0,lt=1"`
	Kind    string           `json:"kind,omitempty" windrow:"enum=a|ü"`
	Level   int              `json:"level,omitempty" windrow:"enum=1|100"`
	At      time.Time        `json:"at,omitzero"`
	Tags    []string         `json:"tags,omitempty" windrow:"max=2,unique"`
	Sizes   map[int]uint8    `json:"sizes,omitempty"`
	Note    *string          `json:"note"`
	Lines   []line           `json:"lines"`
	Any     any              `json:"any,omitempty"`
	Pair    [2]bool          `json:"pair,omitzero"`
	Tree    *tree            `json:"tree,omitempty"`
	Nothing map[string]order `json:"nothing,omitempty"`
}

type line struct {
	Item string `json:"item"`
}

func TestCheck(t *testing.T) {
	s := of[order](t)
	cases := []struct{ input, want string }{
		{`{"id":"ab","count":1,"lines":[]}`, ``},
		{` { "id" : "\u00fcb" , "count" : 10 , "lines" : null , "note" : null , "any" : [1,{"x":null}] } `, ``},
		{`{"id":"ab","count":1,"lines":[{"item":"x"}],"share":0.5,"kind":"\u00fc","level":1e2}`, `level is 1e2; it is to be a whole number, written without . and e`},
		{`{"id":"ab","count":1,"lines":[],"kind":"b","level":3,"share":1}`, `kind is "b"; it is one of "a", "ü"; level is 3; it is one of 1, 100; share is 1; it is less than 1`},
		{`{}`, `id is missing; count is missing; lines is missing`},
		{`[]`, `the input is []; it is to be an object`},
		{`{"id":1,"count":"1","lines":{}}`, `id is 1; it is to be a string; count is "1"; it is to be a whole number; lines is {}; it is to be a list`},
		{`{"id":"a","count":0,"lines":[]}`, `id has 1 characters; it has at least 2; count is 0; it is at least 1`},
		{`{"id":"abcde","count":11,"lines":[]}`, `id has 5 characters; it has at most 4; count is 11; it is at most 10`},
		{`{"id":"ab1","count":1.0,"lines":[]}`, `id is "ab1"; it matches ^[a-zü]+$; count is 1.0; it is to be a whole number, written without . and e`},
		{`{"id":"ab","count":1e999,"lines":[]}`, `count is 1e999; it is to be a whole number, written without . and e`},
		{`{"id":"ab","count":1,"share":1e999,"lines":[]}`, `share is 1e999, which is too large a number`},
		{`{"id":"ab","count":1,"share":0,"lines":[{"item":"x"},{"itme":"y"},null]}`, `share is 0; it is more than 0; lines[1].item is missing; lines[2] is null; it is to be an object`},
		{`{"id":"ab","count":1,"lines":[],"at":"yesterday","tags":["x","x","y"]}`, `at is "yesterday"; it is a time such as "2026-11-24T09:30:00Z"; tags has "x" twice; tags has 3 elements; it has at most 2`},
		{`{"id":"ab","count":1,"lines":[],"at":"2026-11-24T09:30:00.5+01:00","sizes":{"1":255,"x":1,"2":256}}`, `sizes has the key "x"; its keys are whole numbers; sizes.2 is 256; it is at most 255`},
		{`{"id":"ab","count":1,"lines":[],"pair":[true]}`, `pair has 1 elements; it has at least 2`},
		{`{"id":"ab","count":1,"lines":[],"tree":{"name":"a","parent":null,"children":[{"name":"b","children":[{}]}]}}`, `tree.children[0].children[0].name is missing`},
		{`{"id":"ab","count":1,"lines":[],"kind":null}`, `kind is null; it is to be a string`},
		{`{"id":"ab","count":1,"lines":[]`, `the input is no JSON`},
		{`{"id":"ab","count":1,"lines":["` + strings.Repeat("long ", 20) + `"]}`, `lines[0] is "long long long long long long long long…; it is to be an object`},
	}
	for _, c := range cases {
		var got []string
		for _, f := range s.Check([]byte(c.input)) {
			got = append(got, f.Error())
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.input, strings.Join(got, "; "), c.want)
		}
	}
}

func TestCheckStrictly(t *testing.T) {
	s := of[order](t)
	text := []byte(`{"id":"ab","count":1,"Lines":[],"lines":[{"item":"x","unit":2}]}`)
	if faults := s.Check(text); faults != nil {
		t.Error(faults)
	}
	got := fmt.Sprint(s.CheckStrictly(text))
	if want := `[Lines is unknown; it is written "lines" lines[0].unit is unknown; there is item]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := fmt.Sprint(of[struct{}](t).CheckStrictly([]byte(`{"a":1}`))); got != `[a is unknown; nothing is known here]` {
		t.Error(got)
	}
}

func TestCheckStopsAtTen(t *testing.T) {
	if n := len(of[[]int](t).Check([]byte("[" + strings.Repeat(`"x",`, 50) + "1]"))); n != 10 {
		t.Errorf("%d faults", n)
	}
}

// FuzzCheck compares with a plain reading of the emitted schema, as a validator
// elsewhere would do it, and holds what passes to what Go can read.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{
		`{"id":"ab","count":1,"lines":[{"item":"x"}],"share":0.5,"kind":"a","sizes":{"1":2},"pair":[true,false],"tags":["a","b"],"at":"2026-11-24T09:30:00Z"}`,
		`{"id":"ab","count":1,"lines":[],"tree":{"name":"a","parent":{"name":"b"}},"nothing":{"x":{"id":"cd","count":2,"lines":[]}}}`,
		`{"id":"a","count":0,"lines":[{}],"level":100,"note":null,"any":null}`, `[]`, `null`,
	} {
		f.Add([]byte(s))
	}
	s, err := schema.Of(reflect.TypeFor[order](), schema.Options{})
	if err != nil {
		f.Fatal(err)
	}
	emitted, err := json.Marshal(s)
	if err != nil {
		f.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(emitted, &root); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		faults := s.CheckStrictly(text)
		var v any
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		if !json.Valid(text) || d.Decode(&v) != nil {
			if len(faults) == 0 {
				t.Fatalf("%q passes and is no JSON", text)
			}
			return
		}
		if allowed := valid(root, root, v); allowed && len(faults) > 0 && !lenientElsewhere(text, faults) {
			t.Fatalf("%q: %v, though the schema allows it", text, faults)
		} else if !allowed && len(faults) == 0 && !strings.Contains(string(text), "null") && !repeats(text) {
			t.Fatalf("%q passes, though the schema forbids it", text)
		}
		var o order
		if err := json.Unmarshal(text, &o); len(faults) == 0 && err != nil {
			t.Fatalf("%q passes, and cannot be read: %v", text, err)
		}
	})
}

// lenientElsewhere: what the schema's words allow and Go does not read.
func lenientElsewhere(text []byte, faults []schema.Fault) bool {
	return repeats(text) || slices.ContainsFunc(faults, func(f schema.Fault) bool {
		return strings.Contains(f.Reason, "without . and e") || strings.Contains(f.Reason, "is a time") ||
			strings.Contains(f.Reason, "whole numbers") || strings.Contains(f.Reason, "too large a number")
	})
}

// repeats reports whether a member stands twice somewhere, of which a plain
// reading sees the last alone.
func repeats(text []byte) bool {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return true
	}
	compact, err := json.Marshal(v)
	return err != nil || strings.Count(string(compact), ":") != strings.Count(string(text), ":")
}

// valid is JSON Schema, read plainly, for the keywords that are emitted.
func valid(root, s any, v any) bool {
	m, ok := s.(map[string]any)
	if !ok {
		return s != false
	}
	if ref, ok := m["$ref"].(string); ok {
		return valid(root, root.(map[string]any)["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")], v)
	}
	if list, ok := m["anyOf"].([]any); ok {
		return slices.ContainsFunc(list, func(s any) bool { return valid(root, s, v) })
	}
	return validType(m["type"], v) && validEnum(m["enum"], v) && validParts(root, m, v)
}

func validType(types, v any) bool {
	switch types := types.(type) {
	case []any:
		return slices.ContainsFunc(types, func(one any) bool { return validType(one, v) })
	case string:
		switch v := v.(type) {
		case json.Number:
			f, _ := v.Float64()
			return types == "number" || types == "integer" && f == math.Trunc(f)
		case string:
			return types == "string"
		case bool:
			return types == "boolean"
		case nil:
			return types == "null"
		case []any:
			return types == "array"
		default:
			return types == "object"
		}
	}
	return true
}

func validEnum(enum, v any) bool {
	list, ok := enum.([]any)
	if !ok {
		return true
	}
	if n, ok := v.(json.Number); ok {
		v, _ = n.Float64()
	}
	return slices.Contains(list, v)
}

func validParts(root any, m map[string]any, v any) bool {
	num := func(name string, or float64) float64 {
		if f, ok := m[name].(float64); ok {
			return f
		}
		return or
	}
	between := func(n int, low, high string) bool {
		return float64(n) >= num(low, 0) && float64(n) <= num(high, math.Inf(1))
	}
	switch v := v.(type) {
	case json.Number:
		f, _ := v.Float64()
		return f >= num("minimum", math.Inf(-1)) && f <= num("maximum", math.Inf(1)) &&
			f > num("exclusiveMinimum", math.Inf(-1)) && f < num("exclusiveMaximum", math.Inf(1))
	case string:
		p, ok := m["pattern"].(string)
		return between(utf8.RuneCountInString(v), "minLength", "maxLength") && (!ok || regexp.MustCompile(p).MatchString(v))
	case []any:
		for i, e := range v {
			if m["items"] != nil && !valid(root, m["items"], e) {
				return false
			}
			if m["uniqueItems"] == true && slices.ContainsFunc(v[:i], func(o any) bool { return reflect.DeepEqual(o, e) }) {
				return false
			}
		}
		return between(len(v), "minItems", "maxItems")
	case map[string]any:
		properties, _ := m["properties"].(map[string]any)
		for name, value := range v {
			switch p, ok := properties[name]; {
			case ok && !valid(root, p, value):
				return false
			case !ok && m["additionalProperties"] != nil && !valid(root, m["additionalProperties"], value):
				return false
			}
			if names, ok := m["propertyNames"]; ok && !valid(root, names, name) {
				return false
			}
		}
		required, _ := m["required"].([]any)
		return between(len(v), "minProperties", "maxProperties") &&
			!slices.ContainsFunc(required, func(name any) bool { _, ok := v[name.(string)]; return !ok })
	}
	return true
}
