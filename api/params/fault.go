package params

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// fault is one place that does not fit, and what would.
type fault struct {
	at     []string
	reason string
}

// explain names the first field at fault and says how many more there are.
func explain(e *jsonschema.ValidationError, v any, root string) error {
	list := faults(e)
	slices.SortStableFunc(list, func(a, b fault) int {
		if d := slices.Compare(a.at, b.at); d != 0 {
			return d
		}
		return strings.Compare(a.reason, b.reason)
	})
	f := &wire.FieldError{Field: path(root, list[0].at, v), Reason: list[0].reason}
	if more := len(list) - 1; more > 0 {
		f.Reason += fmt.Sprintf(" (and %d more)", more)
	}
	return f
}

// path writes where a part stands in a value, as input.recipients[3].email.
func path(root string, at []string, v any) string {
	var b strings.Builder
	b.WriteString(root)
	for _, token := range at {
		switch in := v.(type) {
		case []any:
			b.WriteString("[" + token + "]")
			if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(in) {
				v = in[i]
			}
			continue
		case map[string]any:
			v = in[token]
		}
		if isWord(token) {
			b.WriteString("." + token)
		} else {
			b.WriteString("[" + shown(token) + "]")
		}
	}
	return b.String()
}

func isWord(s string) bool {
	for _, c := range s {
		if c != '_' && c != '-' && c != '$' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c < 0x80 {
			return false
		}
	}
	return s != "" && len(s) <= 80
}

// faults takes an error of the library apart.
func faults(e *jsonschema.ValidationError) []fault {
	at := slices.Clone(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		var list []fault
		for _, name := range k.Missing {
			list = append(list, fault{append(slices.Clip(at), name), "is missing"})
		}
		return list
	case *kind.AdditionalProperties:
		var list []fault
		for _, name := range k.Properties {
			list = append(list, fault{append(slices.Clip(at), name), "is no known field of it"})
		}
		return list
	case *kind.AnyOf, *kind.OneOf:
		if len(e.Causes) > 0 {
			return nearest(e, at)
		}
	}
	var list []fault
	for _, c := range e.Causes {
		list = append(list, faults(c)...)
	}
	if len(list) == 0 {
		list = []fault{{at, reason(e.ErrorKind)}}
	}
	return list
}

// nearest picks, of several forms none of which fits, the one that fits
// furthest down; where all fail at once it tells of each.
func nearest(e *jsonschema.ValidationError, at []string) []fault {
	var best []fault
	var all []string
	depth := len(at)
	for _, c := range e.Causes {
		list := faults(c)
		for _, f := range list {
			if len(f.at) > depth {
				depth, best = len(f.at), list
			}
		}
		if text := list[0].reason; len(list[0].at) == len(at) && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	if best != nil {
		return best
	}
	if len(all) > 4 {
		all = append(all[:4], "…")
	}
	return []fault{{at, strings.Join(all, "; or ")}}
}

var called = map[string]string{"array": "a list", "object": "an object", "string": "a string", "number": "a number",
	"integer": "a whole number", "boolean": "true or false", "null": "null"}

func kinds(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = called[n]
	}
	return strings.Join(list, " or ")
}

// reason says what a keyword wants.
func reason(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return fmt.Sprintf("want %s, got %s", kinds(k.Want), called[k.Got])
	case *kind.Enum:
		return fmt.Sprintf("is %s; want one of %s", shown(k.Got), choices(k.Want))
	case *kind.Const:
		return fmt.Sprintf("is %s; want %s", shown(k.Got), shown(k.Want))
	case *kind.Format:
		return fmt.Sprintf("is %s; want the format %s", shown(k.Got), k.Want)
	case *kind.Pattern:
		return fmt.Sprintf("is %s; want a match of %s", shown(k.Got), clip(k.Want))
	case *kind.FalseSchema:
		return "is not allowed"
	case *kind.Not:
		return "has a form that is not allowed"
	case *kind.OneOf:
		return "fits several forms of which it is to fit one"
	case *kind.UniqueItems:
		return fmt.Sprintf("has equal elements at %d and %d", k.Duplicates[0], k.Duplicates[1])
	case *kind.PropertyNames:
		return fmt.Sprintf("has a field with the name %s, which is not allowed", shown(k.Property))
	case *kind.DependentRequired:
		return fmt.Sprintf("has %s and so needs %s", k.Prop, strings.Join(k.Missing, ", "))
	case *kind.Contains, *kind.MinContains, *kind.MaxContains:
		return "has too few or too many elements of the form that it is to contain"
	}
	return size(k)
}

// size is reason for what counts and compares.
func size(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.MinLength:
		return fmt.Sprintf("has %d characters; want at least %d", k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("has %d characters; want at most %d", k.Got, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("has %d elements; want at least %d", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has %d elements; want at most %d", k.Got, k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("has %d fields; want at least %d", k.Got, k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("has %d fields; want at most %d", k.Got, k.Want)
	case *kind.Minimum:
		return fmt.Sprintf("is %s; want at least %s", number(k.Got), number(k.Want))
	case *kind.Maximum:
		return fmt.Sprintf("is %s; want at most %s", number(k.Got), number(k.Want))
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("is %s; want more than %s", number(k.Got), number(k.Want))
	case *kind.ExclusiveMaximum:
		return fmt.Sprintf("is %s; want less than %s", number(k.Got), number(k.Want))
	case *kind.MultipleOf:
		return fmt.Sprintf("is %s; want a multiple of %s", number(k.Got), number(k.Want))
	}
	return "does not fit the task's schema"
}

func number(r *big.Rat) string {
	if r.IsInt() {
		return clip(r.Num().String())
	}
	f, _ := r.Float64() // near enough to be read
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func choices(list []any) string {
	var texts []string
	for i, v := range list {
		if i == 20 {
			texts = append(texts, "…")
			break
		}
		texts = append(texts, shown(v))
	}
	return strings.Join(texts, ", ")
}

func shown(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "a value"
	}
	return clip(string(b))
}

// clip keeps what is quoted back short.
func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
