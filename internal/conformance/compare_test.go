package conformance

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	windrow "github.com/windrow-dev/windrow/sdk"
)

// differences are what a run and its tasks have otherwise than they should.
func (want *expected) differences(r *windrow.CanvasRun, tasks []windrow.RunTask) []string {
	var out []string
	differs := func(what string, have, want any) {
		if !reflect.DeepEqual(have, want) {
			out = append(out, fmt.Sprintf("%s: %s, want %s", what, show(have), show(want)))
		}
	}
	names := map[string]string{} // by id
	for i := range tasks {
		names[tasks[i].TaskID] = tasks[i].Node
	}
	differs("the run's state", r.State, want.State)
	differs("the run's cause", names[r.Cause], want.Cause)
	if r.State == "success" {
		differs("the run's result", plain(names, r.Result), want.Result)
	} else if r.Result != nil {
		out = append(out, fmt.Sprintf("the result of a run that %s: %s", r.State, r.Result))
	}
	if want.Cause != "" {
		errorType := ""
		if r.Error != nil {
			errorType = r.Error.Type
		}
		differs("the run's error", errorType, want.Elements[want.Cause].Error)
	}
	seen := map[string]bool{}
	for i := range tasks {
		t := &tasks[i]
		have := element{State: t.State, Attempts: t.Attempt, Callback: t.Callback}
		if t.Error != nil {
			have.Error = t.Error.Type
		}
		if t.State == "success" {
			have.Result = plain(names, t.Result)
		}
		if seen[t.Node] {
			out = append(out, t.Node+": twice")
		}
		seen[t.Node] = true
		if e, ok := want.Elements[t.Node]; ok {
			differs(t.Node, have, e)
		} else {
			out = append(out, t.Node+": is not expected")
		}
	}
	for _, name := range want.order {
		if !seen[name] {
			out = append(out, name+": is missing")
		}
	}
	slices.Sort(out)
	return out
}

func show(v any) string {
	if b, err := json.Marshal(v); err == nil {
		return string(b)
	}
	return fmt.Sprintf("%+v", v)
}

// plain is a result with paths in place of ids, and of errors the type alone.
func plain(names map[string]string, result json.RawMessage) any {
	if len(result) == 0 {
		return nil
	}
	text := string(result)
	for id, name := range names {
		text = strings.ReplaceAll(text, `"`+id+`"`, `"@`+name+`"`)
	}
	return briefly(parse([]byte(text)))
}

func briefly(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = briefly(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = briefly(v[k])
		}
		if e, ok := v["error"].(map[string]any); ok && v["task"] != nil {
			v["error"] = map[string]any{"type": e["type"]}
		}
	}
	return v
}
