package params

import (
	"errors"
	"fmt"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// meter bounds what checking costs. A schema of a few lines can ask for more
// evaluations than there are atoms: thirty definitions that each refer twice to
// the next, or one that refers to itself twice for each part of a value.
//
// own counts the schemas that are evaluated on one value itself. total is an
// upper bound of all evaluations on a value with its parts, divided by the
// number of its parts: for each part only one of the properties applies, but
// all patterns may.
type meter struct {
	own   map[*jsonschema.Schema]int
	total map[*jsonschema.Schema]int // one level of parts less deep
	open  map[*jsonschema.Schema]bool
}

// bounded refuses a schema that costs too much for each part of a value.
func bounded(root *jsonschema.Schema) error {
	m := &meter{own: map[*jsonschema.Schema]int{}, open: map[*jsonschema.Schema]bool{}}
	var order []*jsonschema.Schema
	if err := gather(root, map[*jsonschema.Schema]bool{}, &order); err != nil {
		return err
	}
	for _, s := range order {
		if _, err := m.itself(s); err != nil {
			return err
		}
	}
	m.total = m.own
	for range wire.MaxDepth {
		next, same := make(map[*jsonschema.Schema]int, len(order)), true
		memo := make(map[*jsonschema.Schema]int, len(order))
		for _, s := range order {
			next[s] = max(m.own[s], m.parts(s, memo))
			same = same && next[s] == m.total[s]
		}
		m.total = next
		if same || m.total[root] > maxCost {
			break
		}
	}
	if m.total[root] > maxCost {
		return fmt.Errorf("the schema may be evaluated more than %d times for each part of a value; use fewer allOf, anyOf, oneOf and $ref that apply to the same part", maxCost)
	}
	return nil
}

var errDynamic = errors.New("the schema uses $dynamicRef, which is not supported; use $ref")

// gather lists all schemas that can be reached.
func gather(s *jsonschema.Schema, seen map[*jsonschema.Schema]bool, order *[]*jsonschema.Schema) error {
	if s == nil || seen[s] {
		return nil
	}
	if s.DynamicRef != nil || s.RecursiveRef != nil {
		return errDynamic
	}
	seen[s] = true
	*order = append(*order, s)
	for _, next := range slices.Concat(here(s), below(s), []*jsonschema.Schema{s.PropertyNames}) {
		if err := gather(next, seen, order); err != nil {
			return err
		}
	}
	return nil
}

// here are the schemas that a schema applies to the same value.
func here(s *jsonschema.Schema) []*jsonschema.Schema {
	list := slices.Concat([]*jsonschema.Schema{s.Ref, s.Not, s.If, s.Then, s.Else}, s.AllOf, s.AnyOf, s.OneOf)
	for _, d := range s.DependentSchemas {
		list = append(list, d)
	}
	for _, d := range s.Dependencies {
		if d, ok := d.(*jsonschema.Schema); ok {
			list = append(list, d)
		}
	}
	return slices.DeleteFunc(list, func(s *jsonschema.Schema) bool { return s == nil })
}

// below are those that it applies to parts of the value.
func below(s *jsonschema.Schema) []*jsonschema.Schema {
	list := append([]*jsonschema.Schema{s.UnevaluatedProperties, s.Contains, s.Items2020, s.UnevaluatedItems}, s.PrefixItems...)
	for _, p := range s.Properties {
		list = append(list, p)
	}
	for _, p := range s.PatternProperties {
		list = append(list, p)
	}
	for _, other := range [...]any{s.AdditionalProperties, s.Items, s.AdditionalItems} {
		if p, ok := other.(*jsonschema.Schema); ok {
			list = append(list, p)
		}
	}
	return slices.DeleteFunc(list, func(s *jsonschema.Schema) bool { return s == nil })
}

// plenty stands for anything above maxCost, so that sums do not overflow.
const plenty = 1 << 40

func (m *meter) itself(s *jsonschema.Schema) (int, error) {
	if n, ok := m.own[s]; ok {
		return n, nil
	}
	if m.open[s] {
		return 0, errors.New("the schema refers to itself without end")
	}
	m.open[s] = true
	defer delete(m.open, s)
	n := 1 + len(s.Required)/8
	if s.Enum != nil {
		n += len(s.Enum.Values) / 8
	}
	for _, next := range here(s) {
		more, err := m.itself(next)
		if err != nil {
			return 0, err
		}
		n = min(n+more, plenty)
	}
	m.own[s] = n
	return n, nil
}

// parts is the most that one part of a value costs, through s and through what
// s applies to the same value.
func (m *meter) parts(s *jsonschema.Schema, memo map[*jsonschema.Schema]int) int {
	if n, ok := memo[s]; ok {
		return n
	}
	one, all := 0, 0
	for _, p := range s.Properties {
		one = max(one, m.total[p])
	}
	for _, p := range s.PatternProperties {
		all += m.total[p]
	}
	if p, ok := s.AdditionalProperties.(*jsonschema.Schema); ok {
		one = max(one, m.total[p])
	}
	object := one + all + m.at(s.UnevaluatedProperties)
	if s.PropertyNames != nil {
		object += m.own[s.PropertyNames]
	}
	item := m.at(s.Items2020)
	for _, p := range s.PrefixItems {
		item = max(item, m.total[p])
	}
	for _, other := range [...]any{s.Items, s.AdditionalItems} {
		if p, ok := other.(*jsonschema.Schema); ok {
			item = max(item, m.total[p])
		}
	}
	n := max(object, item+m.at(s.Contains)+m.at(s.UnevaluatedItems))
	for _, next := range here(s) {
		n = min(n+m.parts(next, memo), plenty)
	}
	memo[s] = n
	return n
}

func (m *meter) at(s *jsonschema.Schema) int {
	if s == nil {
		return 0
	}
	return m.total[s]
}
