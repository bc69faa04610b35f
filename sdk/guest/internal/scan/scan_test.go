package scan_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/windrow-dev/windrow/sdk/guest/internal/scan"
)

func TestMembers(t *testing.T) {
	text := ` { "a" : 1 , "b\u0063" : "x\"}," , "c":{"d":[1,{"e":"]"}]} ,"ü":[ ],"n":null,"t" :true}  `
	want := [][2]string{{"a", "1"}, {"bc", `"x\"},"`}, {"c", `{"d":[1,{"e":"]"}]}`}, {"ü", "[ ]"}, {"n", "null"}, {"t", "true"}}
	var got [][2]string
	for name, value := range scan.Members([]byte(text)) {
		got = append(got, [2]string{name, string(value)})
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for name := range scan.Members([]byte(text)) {
		if name != "a" {
			t.Error("went on after the first member, though told to stop")
		}
		break
	}
}

func TestWhatIsNoObject(t *testing.T) {
	for _, text := range []string{``, ` `, `{}`, ` { } `, `[1]`, `"{"`, `null`, `1`} {
		for name, value := range scan.Members([]byte(text)) {
			t.Errorf("%q has the member %q: %q", text, name, value)
		}
	}
	for _, text := range []string{``, ` [ ] `, `{"a":1}`, `"["`, `null`} {
		for i, value := range scan.Elements([]byte(text)) {
			t.Errorf("%q has the element %d: %q", text, i, value)
		}
	}
}

// FuzzScan compares with encoding/json: the same names and values, in place.
func FuzzScan(f *testing.F) {
	for _, s := range []string{`{"a":[1,2,{"b":"\\\""}],"c":{}}`, `[[],{},"",-1.5e3,null,true]`, ` "ü\u00e9\ud83d\ude00" `, `{"":{"":[]}}`, "\"\xff\"", `12`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !json.Valid(b) {
			return
		}
		if got := scan.Trim(b); !bytes.Equal(got, bytes.Trim(b, " \n\t\r")) {
			t.Fatalf("trimmed %q to %q", b, got)
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(b, &object) == nil && object != nil {
			got := map[string]json.RawMessage{}
			for name, value := range scan.Members(b) {
				got[name] = value
			}
			if !reflect.DeepEqual(got, object) {
				t.Fatalf("members of %q: %q, want %q", b, got, object)
			}
		}
		var list []json.RawMessage
		if json.Unmarshal(b, &list) == nil && list != nil {
			got := []json.RawMessage{}
			for i, value := range scan.Elements(b) {
				if i != len(got) {
					t.Fatalf("element %d comes as %d", len(got), i)
				}
				got = append(got, value)
			}
			if !reflect.DeepEqual(got, list) {
				t.Fatalf("elements of %q: %q, want %q", b, got, list)
			}
		}
		var s string
		if json.Unmarshal(b, &s) == nil && b[0] == '"' {
			if got := scan.String(scan.Trim(b)); got != s {
				t.Fatalf("string %q: %q, want %q", b, got, s)
			}
		}
	})
}
