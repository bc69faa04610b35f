package wasm_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/testnode"
)

// buildReactor makes a module of an example that uses the SDK, with the
// Makefile's flags.
func buildReactor(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", file, "./"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=wasip1", "GOARCH=wasm")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, msg)
	}
	return file
}

// TestReactors runs the examples that use the SDK on a node, as their READMEs do.
func TestReactors(t *testing.T) {
	c := testnode.Start(t).Client()
	for _, name := range []string{"bulk-email", "course-structure"} {
		if _, _, err := c.PushModuleFile(t.Context(), name, buildReactor(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("bulk-email", func(t *testing.T) { bulkEmail(t, c) })
	t.Run("course-structure", func(t *testing.T) { courseStructure(t, c) })
}

// object makes one of names and values.
func object(pairs ...any) json.RawMessage {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return windrow.JSON(m)
}

func text(t *testing.T, file string) string { return string(read(t, file)) }

func must[T any](t *testing.T, c *windrow.Client, call windrow.Call) T {
	t.Helper()
	v, err := windrow.Run[T](t.Context(), c, call)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func bulkEmail(t *testing.T, c *windrow.Client) {
	type list struct {
		Recipients []json.RawMessage `json:"recipients"`
		Rejected   []json.RawMessage `json:"rejected,omitempty"`
	}
	all := must[list](t, c, windrow.Call{Task: "bulk-email.validate_recipients", Args: windrow.Args(text(t, "bulk-email/data/recipients.csv")), Kwargs: object("require", []string{"course"})})
	mail := map[string]string{"from": "courses@example.com", "subject": "{{name}}, your seat in {{course}}", "text": text(t, "bulk-email/data/body.txt"), "html": text(t, "bulk-email/data/body.html")}
	var batches []json.RawMessage
	for len(all.Recipients) > 0 {
		n := min(100, len(all.Recipients))
		part := list{Recipients: all.Recipients[:n], Rejected: all.Rejected}
		batches = append(batches, must[json.RawMessage](t, c, windrow.Call{
			Task: "bulk-email.render_batch", Args: windrow.Args(part), Kwargs: object("mail", mail, "values", json.RawMessage(read(t, "bulk-email/data/values.json"))),
		}))
		all.Recipients, all.Rejected = all.Recipients[n:], nil
	}
	got := must[any](t, c, windrow.Call{Task: "bulk-email.summary", Args: windrow.Args(batches)})
	same(t, windrow.JSON(got), read(t, "bulk-email/expected.json"))
}

func courseStructure(t *testing.T, c *windrow.Client) {
	var plan map[string]any
	if err := json.Unmarshal(read(t, "course-structure/data/plan.json"), &plan); err != nil {
		t.Fatal(err)
	}
	plan["syllabus"] = json.RawMessage(read(t, "course-structure/data/syllabus.json"))
	course := must[json.RawMessage](t, c, windrow.Call{Task: "course-structure.build", Input: windrow.JSON(plan)})
	same(t, course, read(t, "course-structure/expected.json"))
	if got := must[string](t, c, windrow.Call{Task: "course-structure.markdown", Input: course}); got != text(t, "course-structure/expected.md") {
		t.Errorf("got\n%s", got)
	}
}
