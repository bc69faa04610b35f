package params

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/sdk/wire"
)

const mail = `{"type":"object","required":["recipients"],"additionalProperties":false,"properties":{
	"recipients":{"type":"array","minItems":1,"items":{"$ref":"#/$defs/recipient"}},
	"how":{"anyOf":[{"$ref":"#/$defs/recipient"},{"type":"null"}]},
	"mode":{"enum":["fast","slow"]},"n":{"type":"integer","minimum":1,"maximum":9},
	"two words":{"type":"string","pattern":"^x"}},
	"$defs":{"recipient":{"type":"object","required":["email"],"properties":{"email":{"type":"string","format":"email"},"age":{"type":["integer","null"]}}}}}`

func call(t *testing.T, text string) *wire.Call {
	t.Helper()
	var c wire.Call
	if err := c.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return &c
}

func TestCheck(t *testing.T) {
	s, err := Compile([]byte(mail))
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{
		`{"input":{"recipients":[{"email":"a@b.c"}]}}`:                             ``,
		`{"kwargs":{"recipients":[{"email":"a@b.c","age":null}]}}`:                 ``,
		`{"args":[{"recipients":[{"email":"a@b.c"}]}]}`:                            ``,
		`{"args":[],"kwargs":{"recipients":[{"email":"a@b.c"}]}}`:                  ``,
		`{"input":{"recipients":[{"email":"a@b.c"},{"email":"x"}]}}`:               `input.recipients[1].email: is "x"; want the format email`,
		`{"input":{"recipients":[{"email":"a@b.c","age":"old"}]}}`:                 `input.recipients[0].age: want null or a whole number, got a string`,
		`{"input":{"recipients":[{}]}}`:                                            `input.recipients[0].email: is missing`,
		`{"input":{"recipients":[]}}`:                                              `input.recipients: has 0 elements; want at least 1`,
		`{"input":{"recipients":[{"email":"a@b.c"}],"how":{"email":1}}}`:           `input.how.email: want a string, got a number`,
		`{"input":{"recipients":[{"email":"a@b.c"}],"how":1}}`:                     `input.how: want an object, got a number; or want null, got a number`,
		`{"input":{"recipients":[{"email":"a@b.c"}],"mode":"x"}}`:                  `input.mode: is "x"; want one of "fast", "slow"`,
		`{"input":{"recipients":[{"email":"a@b.c"}],"n":10,"z":1}}`:                `input.n: is 10; want at most 9 (and 1 more)`,
		`{"input":{"recipients":[{"email":"a@b.c"}],"n":1.5}}`:                     `input.n: want a whole number, got a number`,
		`{"input":{"recipients":[{"email":"a@b.c"}],"n":1e999999999}}`:             `input: has a number that no 64-bit float can hold; write it as a string`,
		`{"input":{"recipients":[{"email":"a@b.c"}],"n":1e-999999999}}`:            `input: has a number that no 64-bit float can hold; write it as a string`,
		`{"input":{"recipients":[{"email":"a@b.c"}],"two words":"y"}}`:             `input["two words"]: is "y"; want a match of ^x`,
		`{"input":{"recipients":[{"email":"a@b.c"}],"z":1}}`:                       `input.z: is no known field of it`,
		`{"args":[{"recipients":3}]}`:                                              `args[0].recipients: want a list, got a number`,
		`{"kwargs":{}}`:                                                            `kwargs.recipients: is missing`,
		`{}`:                                                                       `kwargs.recipients: is missing`,
		`{"input":null}`:                                                           `input: want an object, got null`,
		`{"args":[1,2]}`:                                                           `args: has 2 entries; this task takes one, or kwargs, or an input`,
		`{"args":[1],"kwargs":{"n":1}}`:                                            `args: is given together with kwargs; this task takes one of them`,
		`{"input":"` + strings.Repeat("x", MaxChecked) + `"}`:                      ``, // too large to be looked at
		`{"input":{"recipients":[{"email":"a@b.c"}],"` + long(100) + `":{"x":1}}}`: `input["` + long(79) + `…]: is no known field of it`,
	} {
		got := ""
		err := s.Check(call(t, given))
		if f, ok := errors.AsType[*wire.FieldError](err); err != nil && !ok {
			t.Errorf("%.200s: %v", given, err)
		} else if ok {
			got = f.Error()
		}
		if got != want {
			t.Errorf("%.200s:\n got %s\nwant %s", given, got, want)
		}
	}
}

func long(n int) string { return strings.Repeat("y", n) }

func TestNamedArguments(t *testing.T) {
	s, err := Compile([]byte(`{"type":"object","required":["x"],"properties":{"x":{"type":"array","items":{"type":"integer"}},"y":{"type":"integer"}},"x-windrow-args":["x","y"]}`))
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{
		`{"args":[[1],2]}`:                  ``,
		`{"args":[[1]],"kwargs":{"y":1}}`:   ``,
		`{"kwargs":{"x":[1]}}`:              ``,
		`{"args":[[1,"a"]]}`:                `args[0][1]: want a whole number, got a string`,
		`{"args":[[1],2,3]}`:                `args: has 3 entries; this task takes at most 2: x, y`,
		`{"args":[[1]],"kwargs":{"x":[1]}}`: `kwargs.x: is given twice, here and as args[0]`,
		`{"args":[[1]],"kwargs":{"y":"a"}}`: `kwargs.y: want a whole number, got a string`,
	} {
		got := ""
		if err := s.Check(call(t, given)); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", given, got, want)
		}
	}
}

// TestOneValue: a schema that takes no object is given null where the call has
// nothing.
func TestOneValue(t *testing.T) {
	s, err := Compile([]byte(`{"type":["string","null"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(call(t, `{}`)); err != nil {
		t.Error(err)
	}
	if err := s.Check(call(t, `{"args":[1]}`)); err == nil {
		t.Error("a number was taken")
	}
}

func TestCompileRefuses(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret.json")
	if err := os.WriteFile(secret, []byte(`{"const":"s3cret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var doubled []string
	for i := range 40 {
		doubled = append(doubled, fmt.Sprintf(`"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]}`, i, i+1, i+1))
	}
	for name, c := range map[string]struct{ schema, want string }{
		"text":       {`nonsense`, "invalid character"},
		"a list":     {`[]`, "not valid"},
		"a type":     {`{"type":"strnig"}`, `params.type`},
		"within":     {`{"properties":{"a":{"minLength":-1}}}`, "params.properties.a.minLength"},
		"a file":     {`{"$ref":"file://` + secret + `"}`, "is not opened"},
		"the net":    {`{"$ref":"http://127.0.0.1:1/x.json"}`, "is not opened"},
		"a dialect":  {`{"$schema":"http://json-schema.org/draft-07/schema#"}`, "$schema is"},
		"deep":       {`{"properties":{"a":{"$schema":"http://127.0.0.1:1/meta","$id":"http://x/y"}}}`, "is not opened"},
		"nowhere":    {`{"$ref":"#/$defs/none"}`, "not valid"},
		"a pattern":  {`{"pattern":"("}`, "not valid"},
		"a number":   {`{"minimum":1e999999999}`, "64-bit float"},
		"size":       {`{"title":"` + long(MaxSchema) + `"}`, "bytes"},
		"itself":     {`{"$ref":"#"}`, "without end"},
		"each other": {`{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}}}`, "without end"},
		"doubling":   {`{"$ref":"#/$defs/d0","$defs":{` + strings.Join(doubled, ",") + `,"d40":{"type":"string"}}}`, "more than 1000 times"},
		"by depth": {`{"$ref":"#/$defs/n","$defs":{"n":{"allOf":[{"additionalProperties":{"$ref":"#/$defs/n"}},{"additionalProperties":{"$ref":"#/$defs/n"}}]}}}`,
			"more than 1000 times"},
		"dynamic": {`{"$dynamicRef":"#x","$dynamicAnchor":"x"}`, "$dynamicRef"},
		"meta":    {`{"$ref":"https://json-schema.org/draft/2020-12/schema"}`, "$dynamicRef"},
	} {
		if _, err := Compile([]byte(c.schema)); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// TestCompileTakes: what people write is not refused for its cost.
func TestCompileTakes(t *testing.T) {
	var forms, fields []string
	for i := range 60 {
		forms = append(forms, fmt.Sprintf(`{"type":"object","required":["kind"],"properties":{"kind":{"const":"k%d"},"next":{"$ref":"#"}}}`, i))
		fields = append(fields, fmt.Sprintf(`"f%d":{"$ref":"#/$defs/leaf"}`, i))
	}
	for _, schema := range []string{
		`true`, `{}`, mail,
		`{"type":"object","properties":{"left":{"$ref":"#"},"right":{"$ref":"#"},"value":{"type":"number"}}}`,
		`{"type":"object","properties":{"children":{"type":"array","items":{"$ref":"#"}}}}`,
		`{"type":"object","properties":{"form":{"oneOf":[` + strings.ReplaceAll(strings.Join(forms, ","), `{"$ref":"#"}`, `{"type":"string"}`) + `]}}}`,
		`{"type":"object","properties":{` + strings.Join(fields, ",") + `},"$defs":{"leaf":{"type":"string"}}}`,
	} {
		if _, err := Compile([]byte(schema)); err != nil {
			t.Errorf("%.100s: %v", schema, err)
		}
	}
}

// FuzzCompile: no schema and no value brings the node down, and what is at
// fault is named.
func FuzzCompile(f *testing.F) {
	f.Add(mail, `{"recipients":[{"email":"x"}]}`)
	f.Add(`{"type":"array","prefixItems":[{"const":1}],"items":false,"contains":{"multipleOf":3}}`, `[1,2]`)
	f.Add(`{"$defs":{"a":{"$anchor":"a","if":{"type":"string"},"then":{"format":"uuid"}}},"patternProperties":{"^x":{"$ref":"#a"}}}`, `{"xy":"z"}`)
	f.Fuzz(func(t *testing.T, schema, value string) {
		s, err := Compile([]byte(schema))
		if err != nil || !json.Valid([]byte(value)) {
			return
		}
		err = s.Check(&wire.Call{Task: "m.t", Input: json.RawMessage(value)})
		if e, ok := errors.AsType[*wire.FieldError](err); err != nil && (!ok || !strings.HasPrefix(e.Field, "input") || e.Reason == "") {
			t.Fatalf("%v", err)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	s, err := Compile([]byte(mail))
	if err != nil {
		b.Fatal(err)
	}
	c := &wire.Call{Input: json.RawMessage(`{"recipients":[{"email":"a@b.c","age":3}],"mode":"fast","n":3}`)}
	for b.Loop() {
		if err := s.Check(c); err != nil {
			b.Fatal(err)
		}
	}
}
