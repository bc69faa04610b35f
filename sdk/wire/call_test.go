package wire

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

const wholeCall = `{"task":"etl.load","args":[1,"two",{"three":3}],"kwargs":{"a":null},"queue":"q","priority":0,` +
	`"countdown":"10s","eta":"2026-01-31T08:30:00.000000000Z","expires":"1h","timeout":"1m","soft_timeout":"30s",` +
	`"memory":67108864,"retry":{"max":3,"backoff":"0s","factor":1.5,"max_backoff":"1m","jitter":"none","on":["trap"],"not_on":["x"]},` +
	`"ack":"early","max_deliveries":5,"idempotency_key":"i","unique_key":"u","concurrency_key":{"key":"k","limit":4},` +
	`"fairness_key":"f","debounce":{"key":"d","wait":"5s","max_wait":"1m"},"throttle":{"key":"t","every":"1m"},"rate_limit":"10/s","pool":"p","pool_slots":2,"link":[{"task":"a.b"}],"link_error":[{"task":"c.d","args":[]}],` +
	`"ignore_result":true,"result_ttl":"48h","immutable":true,"version":7,"labels":{"env":"prod"},"headers":{"h":[1]},` +
	`"shadow":"shown","redact":["args.0"],"expected":["not_found"],"stdin":"raw","output":"text"}`

func TestCallRoundTrip(t *testing.T) {
	var c Call
	if err := json.Unmarshal([]byte(wholeCall), &c); err != nil {
		t.Fatal(err)
	}
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "Input" {
			t.Errorf("%s was not read", name)
		}
	}
	out, err := json.Marshal(c)
	if err != nil || string(out) != wholeCall {
		t.Fatalf("%v\ngot  %s\nwant %s", err, out, wholeCall)
	}
}

// Every field of the type is known to the decoder, by the name of its tag.
func TestCallFields(t *testing.T) {
	typ := reflect.TypeFor[Call]()
	if typ.NumField() != len(callFields) {
		t.Fatalf("%d fields, %d names", typ.NumField(), len(callFields))
	}
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		s := scanner{b: []byte("null")}
		if place, err := s.callField(&Call{}, []byte(name), 0); err != nil || callFields[place] != name {
			t.Errorf("%s: place %d, %v", name, place, err)
		}
		s = scanner{b: []byte("true")}
		if place, _ := s.callField(&Call{}, []byte(name), 0); place < 0 || callFields[place] != name {
			t.Errorf("%s: place %d", name, place)
		}
	}
}

func TestCallNulls(t *testing.T) {
	var c Call
	if err := DecodeCall([]byte(`{"task":"a.b","args":null,"priority":null,"retry":{"max":null},"input":null}`), &c); err != nil {
		t.Fatal(err)
	}
	if c.Args != nil || c.Priority != nil || string(c.Input) != "null" {
		t.Fatalf("%+v", c)
	}
}

func TestCallRefusals(t *testing.T) {
	for body, want := range map[string]string{
		`[]`:                                    `want a call such as {"task": "MODULE.TASK", "args": []}, got a list`,
		`{"tsk":"a.b"}`:                         `tsk: is no known field; did you mean "task"?`,
		`{"Max-Deliveries":1}`:                  `Max-Deliveries: is no known field; did you mean "max_deliveries"?`,
		`{"zzzzzzzzzzzz":1}`:                    `zzzzzzzzzzzz: is no known field; known are task, args`,
		`{"task":1}`:                            `task: want a string, got a number`,
		`{"task":"a.b","task":"a.b"}`:           `task: is given twice; give it once`,
		`{"args":{}}`:                           `args: want a list, got an object`,
		`{"kwargs":[]}`:                         `kwargs: want an object, got a list`,
		`{"priority":10}`:                       `priority: want a whole number from 0 to 9, got 10`,
		`{"priority":"9"}`:                      `priority: want a whole number, got a string`,
		`{"priority":1e309}`:                    `priority: want a whole number from 0 to 9, got 1e309`,
		`{"priority":1.5}`:                      `priority: want a whole number from 0 to 9, got 1.5`,
		`{"timeout":"-1s"}`:                     `timeout: "-1s" is negative; a duration is at least 0`,
		`{"timeout":-1}`:                        `timeout: -1 is negative; a duration is at least 0`,
		`{"timeout":1e309}`:                     `timeout: "1e309" is longer than 100 years, the longest duration`,
		`{"timeout":"NaN"}`:                     `timeout: "NaN" is no duration; write a number with a unit`,
		`{"timeout":true}`:                      `timeout: want a duration such as "30s", or a number of seconds, got true or false`,
		`{"retry":{"backof":1}}`:                `retry.backof: is no known field; did you mean "backoff"?`,
		`{"retry":{"factor":0.5}}`:              `retry.factor: want a number from 1 to 1000, got 0.5`,
		`{"retry":{"on":["a",1]}}`:              `retry.on[1]: want a string, got a number`,
		`{"retry":{"max":-1}}`:                  `retry.max: want a whole number from 0 to 1000000, got -1`,
		`{"ack":"never"}`:                       `ack: want "late" or "early", got "never"`,
		`{"output":"xml"}`:                      `output: want "auto", "json" or "text", got "xml"`,
		`{"rate_limit":10}`:                     `rate_limit: want a rate such as "10/s", got a number`,
		`{"concurrency_key":{"key":"k","l":1}}`: `concurrency_key.l: is no known field`,
		`{"concurrency_key":[]}`:                `concurrency_key: want a string, or {"key": …, "limit": …}, got a list`,
		`{"link":[{"task":"a.b"},{"tusk":1}]}`:  `link[1].tusk: is no known field; did you mean "task"?`,
		`{"labels":{"a":1}}`:                    `labels.a: want a string, got a number`,
		`{"memory":"64mb"}`:                     `memory: "64mb" is no size; write`,
		`{"eta":"tomorrow"}`:                    `eta: "tomorrow" is no time; write RFC 3339`,
		`{"expires":"later"}`:                   `expires: "later" is neither a duration such as "10m" nor a time`,
		`{"version":0}`:                         `version: want a whole number from 1 to`,
	} {
		var c Call
		err := DecodeCall([]byte(body), &c)
		var f *FieldError
		if !errors.As(err, &f) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", body, err, want)
		}
	}
}

func TestCallSyntax(t *testing.T) {
	deep := `{"task":"a.b","input":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}"
	for body, want := range map[string]string{
		``:                            "the body is not valid JSON",
		`{`:                           "it ends where a name in quotes should follow at byte 2",
		`{"task":"a.b"`:               "it ends where ',' or '}' should follow at byte 14",
		`{"task":"a.b",}`:             "want a name in quotes at byte 15",
		`{"task":"a.b"} x`:            "something follows the value at byte 16",
		`{"args":[1,]}`:               "a comma before the end of a list at byte 12",
		`{"args":[01]}`:               "want ',' or ']' at byte 11",
		`{"args":[1.]}`:               "want a digit after the point",
		`{"args":[+1]}`:               "want a value",
		`{"args":[NaN]}`:              "want a value",
		`{"args":["` + "\x01" + `"]}`: "a control character in a string",
		`{"args":["\x"]}`:             "an unknown escape",
		`{"args":["\u12g4"]}`:         "without four hexadecimal digits",
		"{\"args\":[\"\xff\"]}":       "a byte that is not UTF-8 at byte 11",
		`{"args":["a`:                 "a string that does not end",
		`{"args":[tru]}`:              "want true",
		`{'task':'a.b'}`:              "want a name in quotes",
		deep:                          "nesting deeper than 200 levels",
	} {
		var c Call
		err := DecodeCall([]byte(body), &c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want %s", body, err, want)
		}
	}
}

// FuzzCall holds the decoder against encoding/json: what it accepts is JSON,
// and what a call is written as is read as the same call.
func FuzzCall(f *testing.F) {
	for _, s := range []string{wholeCall, `{"task":"a.b"}`, `{"task":"a.b","input":null}`, `{"args":[1e309]}`,
		`{"link":[{"link":[{}]}]}`, `{"labels":{"\u0041":"\ud800"}}`, `{"timeout":"-1s"}`, `{"expires":0}`, `[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var c Call
		if err := DecodeCall(body, &c); err != nil {
			return
		}
		if !json.Valid(body) {
			t.Fatalf("accepted what is not JSON: %q", body)
		}
		out, err := json.Marshal(c)
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		var again Call
		if err := DecodeCall(out, &again); err != nil {
			t.Fatalf("%q was written as %q: %v", body, out, err)
		}
		twice, _ := json.Marshal(again)
		if string(out) != string(twice) {
			t.Fatalf("%q was written as %q, then %q", body, out, twice)
		}
	})
}

func BenchmarkDecodeCall(b *testing.B) {
	body := []byte(`{"task":"etl.load","args":[1,"two",{"three":3}],"queue":"fast","priority":7,"timeout":"30s"}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		var c Call
		if err := DecodeCall(body, &c); err != nil {
			b.Fatal(err)
		}
	}
}
