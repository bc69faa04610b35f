package main

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

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

func mail(t testing.TB) Mail {
	return Mail{From: "courses@example.com", Subject: strings.TrimSpace(read(t, "data/subject.txt")), Text: read(t, "data/body.txt"), HTML: read(t, "data/body.html")}
}

// batchSize is how many recipients a task gets, as in the README.
const batchSize = 100

// TestExpected goes the README's way: check, render in batches, sum up.
func TestExpected(t *testing.T) {
	a := guesttest.Run(t, "validate_recipients", ValidateInput{CSV: read(t, "data/recipients.csv"), Require: []string{"course"}})
	list := guesttest.Output[List](t, a)
	if want := "level=INFO msg=\"checked the list\" recipients=385 rejected=15\n"; a.Log != want {
		t.Errorf("log %q, want %q", a.Log, want)
	}
	values := json.RawMessage(read(t, "data/values.json"))
	var batches []Batch
	for from := 0; from < len(list.Recipients); from += batchSize {
		part := List{Recipients: list.Recipients[from:min(from+batchSize, len(list.Recipients))]}
		if from == 0 {
			part.Rejected = list.Rejected
		}
		// Down a chain the list is the parent's result, the first argument.
		a := guesttest.Run(t, "render_batch", nil, guesttest.Args(part), guesttest.Kwargs(map[string]any{"mail": mail(t), "values": values}))
		batches = append(batches, guesttest.Output[Batch](t, a))
		if len(a.Progress) != 2 || string(a.Progress[0]) == string(a.Progress[1]) {
			t.Errorf("progress %s", a.Progress)
		}
	}
	summary := guesttest.Run(t, "summary", SummaryInput{Batches: batches})
	compare(t, "expected.json", indent(t, guesttest.Output[json.RawMessage](t, summary)))
	first, err := json.Marshal(batches[0].Messages[:3])
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "expected-first.json", indent(t, first))
}

func indent(t *testing.T, text json.RawMessage) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
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

func TestTemplate(t *testing.T) {
	values := map[string]any{"name": "<Ada> & \"Co\"", "yes": true, "no": false, "empty": []any{}, "n": 0.0,
		"list": []any{"a", "b"}, "objects": []any{map[string]any{"x": 1.0, "y": map[string]any{"z": "deep"}}, map[string]any{"x": 2.0}}, "text": "t", "null": nil}
	for _, c := range []struct {
		text, want, fault string
		html              bool
	}{
		{text: "", want: ""},
		{text: "plain } { text", want: "plain } { text"},
		{text: "{{name}}", want: `<Ada> & "Co"`},
		{text: "{{ name }}{{{name}}}{{&name}}", want: `&lt;Ada&gt; &amp; &#34;Co&#34;<Ada> & "Co"<Ada> & "Co"`, html: true},
		{text: "{{#yes}}1{{/yes}}{{#no}}2{{/no}}{{^no}}3{{/no}}{{^empty}}4{{/empty}}{{#n}}5{{/n}}{{#text}}{{.}}{{/text}}{{^nowhere}}6{{/nowhere}}{{#null}}7{{/null}}", want: "134t6"},
		{text: "{{#list}}{{.}}{{name}}{{/list}}", want: `a<Ada> & "Co"b<Ada> & "Co"`},
		{text: "{{#objects}}{{x}}{{#y}}{{z}}{{/y}}{{/objects}}", want: "1deep2"},
		{text: "a\n {{#list}} \n - {{.}}\n{{/list}}\nb {{#yes}}\nc{{/yes}}", want: "a\n - a\n - b\nb \nc"},
		{text: "{{#objects}}{{y.z}}{{/objects}}", fault: "y.z is missing"},
		{text: "{{null}}", fault: "null is missing"},
		{text: "a\n{{#list}}\nb", fault: "line 3: {{#list}} is never closed"},
		{text: "a\n{{/list}}", fault: "line 2: {{/list}} closes nothing that is open"},
		{text: "{{#a}}{{#b}}{{/a}}{{/b}}", fault: "line 1: {{/a}} closes nothing that is open"},
		{text: "{{name", fault: "{{ is not followed by a name and }}"},
		{text: "{{{name}}", fault: "{{ is not followed by a name and }}}"},
		{text: "{{}}", fault: "{{ is not followed by a name and }}"},
		{text: "{{two words}}", fault: "{{ is not followed by a name and }}"},
	} {
		tm, err := parseTemplate(c.text, c.html)
		var got string
		if err == nil {
			got, err = tm.render(values)
		}
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) || got != c.want && c.fault == "" {
			t.Errorf("%q: got %q, %v, want %q, %s", c.text, got, err, c.want, c.fault)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{{a}}", "{{#a}}{{.}}{{^b}}{{/b}}{{/a}}", "{{{", "{{#", "{{a.b}}}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tm, err := parseTemplate(text, true)
		if err != nil {
			return
		}
		got, err := tm.render(map[string]any{"a": []any{"<", map[string]any{"b": "&"}}})
		if err == nil && !strings.Contains(text, "{{") && got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

func TestAddresses(t *testing.T) {
	for s, want := range map[string]string{
		"a@b.c": "", "first.last+tag@sub.example.com": "", "ö@example.com": "",
		"": "empty", "a": "domain", "@b.c": "before the @", "a@": "domain", "a@b": "domain", "a@b.": "domain", "a@.b": "domain", "a@-b.c": "domain",
		"a b@c.d": "a character", "a@b@c.d": "a character", "<a@b.c>": "a character", "a..b@c.d": "before the @", ".a@b.c": "before the @",
		strings.Repeat("a", 65) + "@b.c": "too long", "a@" + strings.Repeat("b", 260) + ".c": "too long",
	} {
		if got := address(s); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestUselessInput(t *testing.T) {
	good := List{Recipients: []Recipient{{Email: "a@b.c", Name: "A"}, {Email: "d@e.f"}}}
	for _, c := range []struct {
		task    string
		input   any
		kind    string
		message string
	}{
		{"validate_recipients", ValidateInput{}, "invalid_arguments", "csv has 0 characters; it has at least 1"},
		{"validate_recipients", ValidateInput{CSV: "name\nAda"}, "unreadable_list", `there is no column "email"`},
		{"validate_recipients", ValidateInput{CSV: "email\n", Require: []string{"seat"}}, "unreadable_list", `there is no column "seat"`},
		{"validate_recipients", ValidateInput{CSV: "\""}, "unreadable_list", "names the columns"},
		{"render_batch", RenderInput{List: good}, "invalid_arguments", "mail.subject has 0 characters"},
		{"render_batch", RenderInput{List: good, Mail: Mail{Subject: "{{#x}}", Text: "t"}}, errTemplate, "subject: line 1: {{#x}} is never closed"},
		{"summary", map[string]any{"batches": 1}, "invalid_arguments", "batches is 1; it is to be a list"},
	} {
		a := guesttest.Run(t, c.task, c.input)
		if !a.FailedWith(c.kind) || !a.Fatal() || !strings.Contains(a.Failure.Message, c.message) {
			t.Errorf("%s: %+v, want %s: %s", c.task, a.Failure, c.kind, c.message)
		}
	}
}

// TestWhoGetsNone: a mail with a hole is not written, and the others are.
func TestWhoGetsNone(t *testing.T) {
	list := List{Recipients: []Recipient{{Email: "a@b.c", Fields: map[string]any{"x": "1\r\nBcc: all@b.c"}}, {Email: "d@e.f"}}}
	a := guesttest.Run(t, "render_batch", RenderInput{List: list, Mail: Mail{Subject: "s {{x}}", Text: "t"}})
	got := guesttest.Output[Batch](t, a)
	if len(got.Messages) != 1 || got.Messages[0].Subject != "s 1 Bcc: all@b.c" || len(got.Skipped) != 1 || got.Skipped[0].Reason != "subject: x is missing" {
		t.Errorf("%+v", got)
	}
}

func TestSoftTimeLimit(t *testing.T) {
	list := List{Recipients: make([]Recipient, 200_000)}
	a := guesttest.Run(t, "render_batch", RenderInput{List: list, Mail: mail(t)}, guesttest.Timeout(time.Millisecond))
	if !a.FailedWith("soft_timeout") {
		t.Errorf("%+v", a.Failure)
	}
}
