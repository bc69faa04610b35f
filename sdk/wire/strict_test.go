package wire

import (
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	var p PoolSettings
	if err := Decode([]byte(` {"slots": 3} `), &p); err != nil || p.Slots != 3 {
		t.Fatal(p, err)
	}
	for body, want := range map[string]string{
		``:                      "the body is not valid JSON",
		`{"slots":3} {}`:        "something follows the value",
		`{"slot":3}`:            `slot: is no known field; did you mean "slots"?`,
		`{"slots":-3}`:          `slots: want a whole number of at least 0, got number -3`,
		`{"slots":"3"}`:         `slots: want a whole number of at least 0, got a string`,
		`{"slots":[]}`:          `slots: want a whole number of at least 0, got a list`,
		`[]`:                    "want an object, got a list",
		`{"slots":99999999999}`: "slots: want a whole number of at least 0",
		`{"slots":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "}": "nesting deeper",
	} {
		if err := Decode([]byte(body), &p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: got %v, want %s", body, err, want)
		}
	}
}
