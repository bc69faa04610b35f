package schema_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/windrow-dev/windrow/sdk/guest/schema"
)

type sized struct {
	Size int `json:"size" windrow:"default=7"`
}

type filled struct {
	sized
	*WithUnit
	Name string            `json:"name" windrow:"default='you, \"there\"'"`
	List []sized           `json:"list,omitempty" windrow:"default='[{}, {\"size\":1}]'"`
	Map  map[string]*sized `json:"map,omitempty"`
	Deep struct {
		In sized `json:"in,omitzero"`
	} `json:"deep,omitzero"`
	Opt  sized   `json:"opt" windrow:"default={}"`
	P    *int    `json:"p" windrow:"default=5"`
	Tree *branch `json:"tree,omitempty"`
	Any  any     `json:"any,omitempty"`
}

type WithUnit struct {
	Unit string `json:"unit" windrow:"default=cm"`
}

type branch struct {
	Kind string    `json:"kind" windrow:"default=leaf"`
	Next []*branch `json:"next,omitempty"`
}

func TestFill(t *testing.T) {
	s := of[filled](t)
	const rest = `"name":"you, \"there\"","list":[{"size":7}, {"size":1}],"opt":{"size":7},"p":5`
	for in, want := range map[string]string{
		`{}`:    `{"size":7,"unit":"cm",` + rest + `}`,
		` { } `: `{"size":7,"unit":"cm",` + rest + ` }`,
		`{"size" : 1,"name":"","list":[],"opt":{"size":2},"p":null,"unit":"m"}`:                           `{"size" : 1,"name":"","list":[],"opt":{"size":2},"p":null,"unit":"m"}`,
		`{ "deep" : {"in":{ } } , "map":{"a":null,"b":{}},"size":1, "any":{"deep":{}},"unit":"","x":{} }`: `{ "deep" : {"in":{"size":7 } } , "map":{"a":null,"b":{"size":7}},"size":1, "any":{"deep":{}},"unit":"","x":{},` + rest + ` }`,
		`{"tree":{"next":[{},null,{"kind":"x","next":[{}]}]},"size":1,"unit":""}`:                         `{"tree":{"next":[{"kind":"leaf"},null,{"kind":"x","next":[{"kind":"leaf"}]}],"kind":"leaf"},"size":1,"unit":"",` + rest + `}`,
	} {
		if got := string(s.Fill([]byte(in))); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", in, got, want)
		}
		var v filled
		if err := json.Unmarshal(s.Fill([]byte(in)), &v); err != nil {
			t.Errorf("%s: %v", in, err)
		}
	}
	plain := []byte(` {"id":"ab"} `)
	if got := of[line](t).Fill(plain); &got[0] != &plain[0] {
		t.Error("a text without defaults was copied")
	}
}

// FuzzFill: what passes the check still does when it is filled, and reads as
// it did but for what was missing.
func FuzzFill(f *testing.F) {
	for _, s := range []string{`{}`, `{"list":[{}],"tree":{"next":[{}]},"map":{"a":{},"b":null}}`, ` { "deep":{} , "x" : [ ] }`, `{"size":1,"name":"\u007d"}`} {
		f.Add([]byte(s))
	}
	s, err := schema.Of(reflect.TypeFor[filled](), schema.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(s.Check(text)) > 0 {
			return
		}
		got := s.Fill(text)
		if faults := s.Check(got); len(faults) > 0 {
			t.Fatalf("%q became %q: %v", text, got, faults)
		}
		if again := s.Fill(got); string(again) != string(got) {
			t.Fatalf("%q is filled twice: %q, %q", text, got, again)
		}
		var before, after filled
		if json.Unmarshal(text, &before) != nil {
			return // a name in other letters; encoding/json takes it for the field
		}
		if err := json.Unmarshal(got, &after); err != nil {
			t.Fatalf("%q became %q: %v", text, got, err)
		}
	})
}
