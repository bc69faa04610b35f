package wasm_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPrebuilt rebuilds what is committed as Wasm where the toolchain is there,
// and compares bytes.
func TestPrebuilt(t *testing.T) {
	for _, name := range []string{"word-count", "as-stats"} {
		t.Run(name, func(t *testing.T) {
			build := "./" + name + "/build.sh"
			if why, err := exec.Command("bash", build, "-check").CombinedOutput(); err != nil {
				// Asking for the variable makes it part of what go test caches by.
				t.Skipf("not rebuilt: %s (ASSEMBLYSCRIPT=%q)", bytes.TrimSpace(why), os.Getenv("ASSEMBLYSCRIPT"))
			}
			file := filepath.Join(t.TempDir(), "built.wasm")
			if msg, err := exec.Command("bash", build, file).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", build, err, msg)
			}
			if !bytes.Equal(read(t, file), read(t, name+"/"+name+".wasm")) {
				t.Errorf("%s.wasm is not what %s builds: run it", name, build)
			}
		})
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// same compares JSON texts, however they are spaced.
func same(t *testing.T, got, want []byte) {
	t.Helper()
	var a, b bytes.Buffer
	if err := json.Compact(&a, got); err != nil {
		t.Fatalf("the result is no JSON: %v\n%s", err, got)
	}
	if err := json.Compact(&b, want); err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(a.String()) != strings.TrimSpace(b.String()) {
		t.Errorf("got  %s\nwant %s", a.String(), b.String())
	}
}

func TestWordCount(t *testing.T) {
	m := load(t, "word-count", read(t, "word-count/word-count.wasm"))
	text := read(t, "word-count/data/pride.txt")
	same(t, m.run(t, text), read(t, "word-count/expected.json"))
	quoted, err := json.Marshal(string(text))
	if err != nil {
		t.Fatal(err)
	}
	same(t, m.run(t, quoted), read(t, "word-count/expected.json"))

	for in, want := range map[string]string{
		``:   `{"lines":0,"words":0,"different":0,"characters":0,"bytes":0,"top":[]}`,
		`""`: `{"lines":0,"words":0,"different":0,"characters":0,"bytes":0,"top":[]}`,
		`"It's \"so-called\" - W\u00d6RLD\ud83d\ude00 \u00d6\n\ud83d it's"`: `{"lines":1,"words":6,"different":5,"characters":34,"bytes":41,"top":[{"word":"it's","count":2},{"word":"so-called","count":1},{"word":"wÖrld😀","count":1},{"word":"Ö","count":1},{"word":"�","count":1}]}`,
		strings.Repeat("x", 100) + " y":                                     `{"lines":0,"words":2,"different":2,"characters":102,"bytes":102,"top":[{"word":"y","count":1}]}`,
	} {
		same(t, m.run(t, []byte(in)), []byte(want))
	}
	var many strings.Builder
	for i := range 5000 {
		many.WriteString("w" + strings.Repeat("a", i%70) + string(rune('a'+i%26)) + " ")
	}
	var got struct{ Words, Different int }
	if err := json.Unmarshal(m.run(t, []byte(many.String())), &got); err != nil || got.Words != 5000 {
		t.Errorf("%+v, %v", got, err)
	}
	for in, want := range map[string]string{
		`{"args":[],"kwargs":{}}`: `give the text as a JSON string`, `"open`: `never ends`, `"\u12zz"`: `an escape that is none`, `"\u1`: `ends within an escape`,
	} {
		m.fails(t, in, want)
	}
}

func TestStats(t *testing.T) {
	m := load(t, "as-stats", read(t, "as-stats/as-stats.wasm"))
	text := read(t, "as-stats/data/latencies.json")
	got := m.run(t, text)
	same(t, got, read(t, "as-stats/expected.json"))

	// The same, counted here.
	var values []float64
	var stats struct{ Count, Min, Max, Mean, Median, P90, P99, Stddev float64 }
	if err := json.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &stats); err != nil {
		t.Fatal(err)
	}
	slices.Sort(values)
	n := float64(len(values))
	var sum, squares float64
	for _, v := range values {
		sum += v
	}
	for _, v := range values {
		squares += (v - sum/n) * (v - sum/n)
	}
	for name, pair := range map[string][2]float64{
		"count": {stats.Count, n}, "min": {stats.Min, values[0]}, "max": {stats.Max, values[len(values)-1]}, "mean": {stats.Mean, sum / n},
		"median": {stats.Median, (values[len(values)/2-1] + values[len(values)/2]) / 2}, "stddev": {stats.Stddev, math.Sqrt(squares / n)},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-9*math.Abs(pair[1]) {
			t.Errorf("%s is %v, want %v", name, pair[0], pair[1])
		}
	}
	same(t, m.run(t, []byte(" [ 7 ] ")), []byte(`{"count":1,"min":7,"max":7,"mean":7,"median":7,"p90":7,"p99":7,"stddev":0}`))
	same(t, m.run(t, []byte("[-1.5e1,\n15E0]")), []byte(`{"count":2,"min":-15,"max":15,"mean":0,"median":0,"p90":12,"p99":14.7,"stddev":15}`))
	for in, want := range map[string]string{``: "give a list", `{}`: "give a list", `[]`: "the list is empty", `[1,"2"]`: "element 1 is not a number", `[1e999]`: "element 0 is not a number", `[[1]]`: "element 0"} {
		m.fails(t, in, want)
	}
}
