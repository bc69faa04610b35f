package guesttest

import (
	"encoding/json"
	"testing"

	"github.com/windrow-dev/windrow/sdk/guest"
)

// Module is what a module tells of itself when it is uploaded.
type Module struct {
	ABI   int      `json:"abi"`
	SDK   string   `json:"sdk"`
	Tasks []Listed `json:"tasks"`
}

// Listed is a task in a module's manifest.
type Listed struct {
	Name         string          `json:"name"`
	Description  string          `json:"description"`
	Params       json.RawMessage `json:"params"`   // JSON Schema of its input
	Defaults     json.RawMessage `json:"defaults"` // options of a call; nil where it has none
	Capabilities []string        `json:"capabilities"`
}

// Manifest gives the manifest of the module that the test belongs to, and ends
// the test where the module could not be uploaded.
func Manifest(t testing.TB) *Module {
	t.Helper()
	text, err := guest.Manifest()
	if err != nil {
		t.Fatalf("this module cannot be uploaded:\n%v", err)
	}
	var m Module
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("the manifest: %v\n%s", err, text)
	}
	return &m
}

// Task finds a task, nil where there is none of that name.
func (m *Module) Task(name string) *Listed {
	for i := range m.Tasks {
		if m.Tasks[i].Name == name {
			return &m.Tasks[i]
		}
	}
	return nil
}

// Names lists the tasks.
func (m *Module) Names() []string {
	var names []string
	for _, t := range m.Tasks {
		names = append(names, t.Name)
	}
	return names
}
