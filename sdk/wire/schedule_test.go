package wire

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzSchedule holds that a definition that is taken is taken again as it was
// written.
func FuzzSchedule(f *testing.F) {
	for _, s := range []string{`{"every":"15m","task":"a.b","args":[1],"labels":{"a":"b"}}`, `{"cron":"* * * * *","days":"both","timezone":"Europe/Berlin","canvas":{"chain":[{"task":"a.b"}]},"labels":{"a":"b"}}`,
		`{"at":"2027-01-01T00:00:00Z","task":"a.b"}`, `{"at":["2027-01-01T00:00:00+01:00"],"task":"a.b","jitter":1,"overlap":"skip","misfire":"all","misfire_grace":"1h","catchup":true}`,
		`{"solar":{"event":"sunset","latitude":1.5,"longitude":-2},"canvas":{"task":"a.b"},"start":"2026-01-01T00:00:00Z","end":null}`, `{"task":"a.b","next":{"task":"c.d","timeout":1}}`, `{"canvas":null,"task":"x"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d ScheduleDefinition
		if DecodeSchedule(bytes.Clone(b), &d) != nil {
			return
		}
		if !json.Valid(b) || (d.Call == nil) == (d.Canvas == nil) {
			t.Fatalf("%q became %+v", b, d)
		}
		one, err := json.Marshal(d)
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		var again ScheduleDefinition
		if err := json.Unmarshal(one, &again); err != nil {
			t.Fatalf("%q was written as %s: %v", b, one, err)
		}
		two, err := json.Marshal(again)
		if err != nil || !bytes.Equal(one, two) {
			t.Fatalf("%q was written as %s and %s: %v", b, one, two, err)
		}
	})
}
