package main

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/sdk/guest/guesttest"
)

var update = flag.Bool("update", false, "write the expected files anew")

func read(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// plan gives the members of data/plan.json that a task takes.
func plan(t testing.TB, names ...string) map[string]any {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(read(t, "data/plan.json")), &all); err != nil {
		t.Fatal(err)
	}
	some := map[string]any{}
	for _, name := range names {
		some[name] = all[name]
	}
	return some
}

var planned = []string{"start", "days", "session_minutes", "holidays"}

// TestExpected goes both ways of the README: the steps down a chain, each
// getting its parent's result as its first argument, and all in one.
func TestExpected(t *testing.T) {
	syllabus := json.RawMessage(read(t, "data/syllabus.json"))
	step := func(task string, parent json.RawMessage, kwargs map[string]any) json.RawMessage {
		t.Helper()
		options := []guesttest.Option{guesttest.Args(parent)}
		if kwargs != nil {
			options = append(options, guesttest.Kwargs(kwargs))
		}
		return guesttest.Output[json.RawMessage](t, guesttest.Run(t, task, nil, options...))
	}
	course := step("outline", syllabus, plan(t, "longest_lesson"))
	course = step("order", course, nil)
	course = step("schedule", course, plan(t, planned...))
	compare(t, "expected.json", indent(t, course))
	var text string
	if err := json.Unmarshal(step("markdown", course, nil), &text); err != nil {
		t.Fatal(err)
	}
	compare(t, "expected.md", text)

	input := plan(t, append(planned, "longest_lesson")...)
	input["syllabus"] = syllabus
	a := guesttest.Run(t, "build", input)
	compare(t, "expected.json", indent(t, guesttest.Output[json.RawMessage](t, a)))
	if want := "level=INFO msg=built modules=7 sessions=11\n"; a.Log != want || len(a.Progress) != 1 {
		t.Errorf("log %q, want %q; progress %s", a.Log, want, a.Progress)
	}
}

func indent(t *testing.T, text json.RawMessage) string {
	t.Helper()
	var c Course
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got != read(t, file) {
		t.Errorf("the result is not %s; see the difference with go test -update and git diff", file)
	}
}

func TestOrder(t *testing.T) {
	for _, c := range []struct{ modules, want, kind string }{
		{"a b c", "a b c", ""},
		{"c<b b<a a", "a b c", ""},
		{"d<b,c b<a c<a a e", "a b c d e", ""},
		{"a<b b", "b a", ""},
		{"a a", `there are two modules "a"`, errTwice},
		{"a<z", `module "a" requires "z", which does not exist`, errUnknown},
		{"a<a", "these modules require each other: a → a", errCycle},
		{"s b<c,s c<d d<b x<b", "these modules require each other: b → c → d → b", errCycle},
		{"x<b b<c c<b", "these modules require each other: b → c → b", errCycle},
	} {
		type module map[string]any
		var modules []module
		for name := range strings.FieldsSeq(c.modules) {
			id, requires, _ := strings.Cut(name, "<")
			m := module{"id": id, "title": id, "minutes": 5, "lessons": []any{}}
			if requires != "" {
				m["requires"] = strings.Split(requires, ",")
			}
			modules = append(modules, m)
		}
		a := guesttest.Run(t, "order", map[string]any{"title": "t", "minutes": 5, "modules": modules})
		if c.kind != "" {
			if !a.FailedWith(c.kind) || !a.Fatal() || a.Failure.Message != c.want {
				t.Errorf("%s: %+v, want %s: %s", c.modules, a.Failure, c.kind, c.want)
			}
			continue
		}
		var got []string
		for _, m := range guesttest.Output[Outline](t, a).Modules {
			got = append(got, m.ID)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %s", c.modules, got, c.want)
		}
	}
}

func TestLessons(t *testing.T) {
	m := Module{ID: "m"}
	m.teach(Topic{Title: "long", Kind: Lecture, Minutes: 101}, 50)
	m.teach(Topic{Title: "lab", Kind: Lab, Minutes: 101}, 50)
	var minutes []int
	for _, l := range m.Lessons {
		minutes = append(minutes, l.Minutes)
	}
	if len(minutes) != 4 || minutes[0] != 34 || minutes[1] != 34 || minutes[2] != 33 || minutes[3] != 101 || m.Lessons[1].ID != "m.2" || m.Lessons[1].Title != "long (2 of 3)" {
		t.Errorf("%+v", m.Lessons)
	}
}

func TestUselessInput(t *testing.T) {
	long := `{"title":"t","minutes":200,"modules":[{"id":"a","title":"a","minutes":200,"lessons":[{"id":"a.1","title":"x","kind":"lab","minutes":200}]}]}`
	for _, c := range []struct{ task, input, kind, message string }{
		{"outline", `{"syllabus":{"title":"t","modules":[]}}`, "invalid_arguments", "syllabus.modules has 0 elements; it has at least 1"},
		{"outline", `{"syllabus":{"title":"t","modules":[{"id":"A","title":"a","topics":[{"title":"x","minutes":1,"kind":"nap"}]}]}}`, "invalid_arguments",
			`syllabus.modules[0].id is "A"; it matches ^[a-z][a-z0-9-]*$; syllabus.modules[0].topics[0].minutes is 1; it is at least 5; syllabus.modules[0].topics[0].kind is "nap"; it is one of "lecture", "lab", "reading", "exam"`},
		{"order", `{"title":"t","minutes":0,"modules":[]}`, "invalid_arguments", "modules has 0 elements"},
		{"schedule", `{"outline":` + long + `,"start":"2026-02-30","days":["mon"]}`, "invalid_arguments", `"2026-02-30" is no day`},
		{"schedule", `{"outline":` + long + `,"start":"2026-02-01","days":["monday"]}`, "invalid_arguments", `days[0] is "monday"; it is one of`},
		{"schedule", `{"outline":` + long + `,"start":"2026-02-01","days":["mon"]}`, errTooLong, "lesson a.1 takes 200 minutes, a session has 120"},
	} {
		a := guesttest.Run(t, c.task, json.RawMessage(c.input))
		if !a.FailedWith(c.kind) || !a.Fatal() || !strings.Contains(a.Failure.Message, c.message) {
			t.Errorf("%s %s:\ngot  %+v\nwant %s: %s", c.task, c.input, a.Failure, c.kind, c.message)
		}
	}
}
