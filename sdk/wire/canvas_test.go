package wire

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const wholeCanvas = `{"chain":[{"task":"a.b","args":[1],"link":[{"task":"l.k"}],"labels":{"x":"y"}},` +
	`{"group":[{"task":"a.c"},{"chord":{"header":[{"task":"a.d"}],"body":{"chain":[{"task":"a.e"}]}}}]},` +
	`{"map":{"task":{"task":"a.m"},"items":[1,null,{"k":[]}]}},{"starmap":{"task":{"task":"a.s"},"items":[[1,2]]},"link_error":[{"task":"a.f","immutable":true}]},` +
	`{"chunks":{"task":{"task":"a.k"},"items":[],"size":10}},{"group":[]}],"link":[{"chain":[{"task":"l.c"}]}],"labels":{"run":"1"}}`

func TestCanvasRoundTrip(t *testing.T) {
	var c Canvas
	if err := json.Unmarshal([]byte(wholeCanvas), &c); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(c)
	if err != nil || string(out) != wholeCanvas {
		t.Fatalf("%v\ngot  %s\nwant %s", err, out, wholeCanvas)
	}
	if len(c.Chain) != 6 || c.Chain[1].Group[1].Chord.Body.Chain[0].Call.Task != "a.e" || c.Chain[4].Chunks.Size != 10 || c.Link[0].Chain == nil {
		t.Errorf("%+v", c)
	}
}

func TestCanvasNulls(t *testing.T) {
	var c Canvas
	if err := DecodeCanvas([]byte(`{"chain":null,"task":"a.b","input":null,"link":null}`), &c); err != nil || c.Call == nil || string(c.Call.Input) != "null" {
		t.Fatal(c, err)
	}
}

func TestCanvasRefusals(t *testing.T) {
	for body, want := range map[string]string{
		`[]`:                                                     `want a canvas: a call such as`,
		`{"chian":[]}`:                                           `chian: is no known field; did you mean "chain"?`,
		`{"chain":{}}`:                                           `chain: want a list of calls and canvases, got an object`,
		`{"chain":[{"task":"a.b"},1]}`:                           `chain[1]: want a canvas`,
		`{"chain":[{"group":[{"tsk":1}]}]}`:                      `chain[0].group[0].tsk: is no known field; did you mean "task"?`,
		`{"chain":[],"group":[]}`:                                `group: is given together with chain; a canvas is one of them`,
		`{"chain":[],"task":"a.b"}`:                              `task: is for a call alone`,
		`{"group":[],"priority":3}`:                              `priority: is for a call alone`,
		`{"group":[],"group":[]}`:                                `group: is given twice`,
		`{"group":null,"group":null}`:                            `group: is given twice`,
		`{"chord":{"header":[]}}`:                                `chord.body: is missing; want {"header": [C, …], "body": C}`,
		`{"chord":{"header":[],"bdy":1}}`:                        `chord.bdy: is no known field; did you mean "body"?`,
		`{"chord":[]}`:                                           `chord: want {"header": [C, …], "body": C}, got a list`,
		`{"map":{"task":{"task":"a.b"}}}`:                        `map.items: is missing`,
		`{"map":{"items":[]}}`:                                   `map.task: is missing`,
		`{"map":{"task":{"chain":[]},"items":[]}}`:               `map.task.chain: is no known field`,
		`{"map":{"task":{"task":"a.b"},"items":[],"size":2}}`:    `map.size: is no known field`,
		`{"chunks":{"task":{"task":"a.b"},"items":[],"size":0}}`: `chunks.size: want a whole number from 1`,
		`{"chunks":{"task":{"task":"a.b"},"items":[]}}`:          `chunks.size: is missing`,
		`{"chain":[],"link":[{"group":[{"tsk":1}]}]}`:            `link[0].group[0].tsk: is no known field`,
		`{"group":[{"group":[` + strings.Repeat(`{"group":[]},`, MaxCanvas-2) + `{"group":[]}]},{"group":[]}]}`: `group[1]: has more than 250000 calls and canvases`,
		`{"map":{"task":{"task":"a.b"},"items":[` + strings.Repeat("0,", MaxCanvas) + `0]}}`:                    `map.items: has more than 250000 calls and canvases`,
		`{"group":[` + strings.Repeat("{},", MaxCanvas) + `{}]}`:                                                `group: has more than 250000 entries`,
	} {
		var c Canvas
		err := DecodeCanvas([]byte(body), &c)
		var f *FieldError
		if !errors.As(err, &f) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.80s:\ngot  %v\nwant %s", body, err, want)
		}
	}
	deep := strings.Repeat(`{"chain":[`, 150) + strings.Repeat("]}", 150)
	if err := DecodeCanvas([]byte(deep), new(Canvas)); err == nil || !strings.Contains(err.Error(), "nesting deeper") {
		t.Error(err)
	}
}

func FuzzCanvas(f *testing.F) {
	for _, s := range []string{wholeCanvas, wholeCall, `{"chain":null}`, `{}`, `{"map":{"task":{},"items":[]}}`, `{"link":[{"link":[{}]}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c Canvas
		if DecodeCanvas(b, &c) != nil {
			return
		}
		if !json.Valid(b) {
			t.Fatalf("took what is no JSON: %q", b)
		}
		out, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var again Canvas
		if err := DecodeCanvas(out, &again); err != nil {
			t.Fatalf("%q was written as %q: %v", b, out, err)
		}
		if second, err := json.Marshal(again); err != nil || string(second) != string(out) {
			t.Fatalf("%q, then %q: %v", out, second, err)
		}
	})
}
