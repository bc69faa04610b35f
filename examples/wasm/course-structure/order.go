package main

import (
	"slices"
	"strings"

	"github.com/windrow-dev/windrow/sdk/guest"
)

// Error types of a syllabus that no order fits.
const (
	errUnknown = "unknown_requirement"
	errTwice   = "duplicate_module"
	errCycle   = "cycle"
)

// order puts modules behind those they require, and otherwise leaves them as
// they were written. It numbers them.
func order(o *Outline) error {
	place := map[string]int{}
	for i, m := range o.Modules {
		if _, twice := place[m.ID]; twice {
			return guest.Errorf(errTwice, "there are two modules %q", m.ID)
		}
		place[m.ID] = i
	}
	waits := make([]int, len(o.Modules)) // for how many
	for i, m := range o.Modules {
		for _, id := range m.Requires {
			if _, known := place[id]; !known {
				return guest.Errorf(errUnknown, "module %q requires %q, which does not exist", m.ID, id)
			}
			waits[i]++
		}
	}
	ordered := make([]Module, 0, len(o.Modules))
	for len(ordered) < len(o.Modules) {
		next := slices.Index(waits, 0)
		if next < 0 {
			return guest.Errorf(errCycle, "these modules require each other: %s", cycle(o, place, waits))
		}
		waits[next] = -1
		m := o.Modules[next]
		m.Number = len(ordered) + 1
		ordered = append(ordered, m)
		for i, other := range o.Modules {
			if slices.Contains(other.Requires, m.ID) {
				waits[i]--
			}
		}
	}
	o.Modules = ordered
	return nil
}

// cycle follows what waits until it comes back.
func cycle(o *Outline, place map[string]int, waits []int) string {
	at := slices.IndexFunc(waits, func(n int) bool { return n > 0 })
	var path []string
	for !slices.Contains(path, o.Modules[at].ID) {
		path = append(path, o.Modules[at].ID)
		for _, id := range o.Modules[at].Requires {
			if waits[place[id]] > 0 {
				at = place[id]
				break
			}
		}
	}
	path = append(path[slices.Index(path, o.Modules[at].ID):], o.Modules[at].ID)
	return strings.Join(path, " → ")
}
