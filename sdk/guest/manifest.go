package guest

import (
	"errors"
	"fmt"

	"github.com/windrow-dev/windrow/sdk/guest/schema"
)

// abi is the version of the interface between module and host.
const abi = 1

// manifest says what is in the module.
type manifest struct {
	ABI   int            `json:"abi"`
	SDK   string         `json:"sdk"`
	Tasks []manifestTask `json:"tasks"`
}

type manifestTask struct {
	Name         string         `json:"name"`
	Description  string         `json:"description,omitempty"`
	Params       *schema.Schema `json:"params"`
	Defaults     *defaults      `json:"defaults,omitempty"`
	Capabilities []string       `json:"capabilities,omitempty"`
}

// sdkName is how the module says by what it was made.
const sdkName = "windrow-go/1"

// Manifest is the module's description of itself, as it goes into an upload, or
// all that is wrong with its tasks.
func Manifest() ([]byte, error) {
	m := manifest{ABI: abi, SDK: sdkName}
	if len(tasks) == 0 {
		return nil, errors.New("this module has no task: call guest.Handle in a package variable or an init function, for main does not run")
	}
	var faults []error
	seen := map[string]bool{}
	for _, t := range tasks {
		d, err := describe(t)
		if err == nil && seen[d.Name] {
			err = errors.New("the name is taken by another task of this module")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("task %q: %w", t.Name(), err))
			continue
		}
		seen[d.Name] = true
		m.Tasks = append(m.Tasks, *d)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return encode(m)
}

func describe(t handler) (*manifestTask, error) {
	if !isName(t.Name()) {
		return nil, errors.New("a task's name begins with a letter or _ and goes on with A-Z, a-z, 0-9, _, . and -")
	}
	params, err := t.Params()
	if err != nil {
		return nil, err
	}
	s := t.settings()
	if err := errors.Join(s.faults...); err != nil {
		return nil, err
	}
	d := &manifestTask{Name: t.Name(), Description: s.description, Params: params, Capabilities: s.capabilities}
	if s.given {
		d.Defaults = &s.defaults
	}
	return d, nil
}

// maxName is the longest name of a task.
const maxName = 255

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '.' && c != '-') {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

// Describe gives the manifest to the host and returns 0, or 1 after it has
// said what is wrong. The module's entry calls it.
func Describe(h Host) int32 {
	text, err := Manifest()
	if err == nil {
		_, err = h.Call(OpOutput, text)
	}
	if err != nil {
		return fail(h, &Failure{Type: "invalid_task", Message: err.Error()})
	}
	return 0
}
