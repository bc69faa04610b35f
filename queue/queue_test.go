package queue

import (
	"reflect"
	"strings"
	"testing"
)

func TestID(t *testing.T) {
	const text = "01890a5d-ac96-774b-bcce-b302099a8057"
	id, err := ParseID(strings.ToUpper(text))
	if err != nil || id.String() != text {
		t.Fatalf("%s, %v", id, err)
	}
	for _, bad := range []string{"", "x", text[:35], text + "0", strings.ReplaceAll(text, "-", "_"), "g" + text[1:]} {
		if _, err := ParseID(bad); err == nil {
			t.Errorf("%q was taken for an id", bad)
		}
	}
	if next := id.Plus(1); next.String() != "01890a5d-ac96-774b-bcce-b302099a8058" || next.Compare(id) <= 0 {
		t.Errorf("the next id is %s", next)
	}
}

func TestFenceText(t *testing.T) {
	f := Fence{Index: 12, Ord: 3}
	if got, err := ParseFence(f.String()); err != nil || got != f {
		t.Fatalf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "1", "1-", "-1-2", "1-2x", " 1-2", "01-2"} {
		if _, err := ParseFence(bad); err == nil {
			t.Errorf("%q was taken for a fence", bad)
		}
	}
}

func TestStateNames(t *testing.T) {
	for s := Pending; s <= Removed; s++ {
		if got, ok := ParseState(s.String()); !ok || got != s {
			t.Errorf("%q reads as %v", s, got)
		}
	}
	if _, ok := ParseState(""); ok {
		t.Error("the empty name is no state")
	}
}

func TestPayload(t *testing.T) {
	for _, p := range []Payload{{}, {Args: []byte("[]"), Kwargs: []byte("{}")}, {Input: []byte(`"x"`), Raw: true},
		{Blob: "sha256:00", Labels: []byte(`{"a":1}`), Headers: []byte("{}")},
		{Args: []byte("[]"), Resume: []byte(`{"state":1}`)}, {Blob: "sha256:00", ResumeBlob: "sha256:01"}} {
		got, err := DecodePayload(p.Append(nil))
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%+v became %+v, %v", p, got, err)
		}
	}
}

func FuzzDecodePayload(f *testing.F) {
	f.Add((&Payload{Args: []byte("[1]"), Labels: []byte("{}")}).Append(nil))
	f.Add((&Payload{Input: []byte("1"), Resume: []byte("{}")}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePayload(b)
		if err != nil {
			return
		}
		if again, err := DecodePayload(p.Append(nil)); err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("%+v became %+v, %v", p, again, err)
		}
	})
}
