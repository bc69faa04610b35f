package schema_test

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/sdk/guest/schema"
)

type color string

func (color) Enum() []string { return []string{"red", "green"} }

type Base struct {
	ID   string `json:"id"`
	Note string `json:"note,omitempty"`
}

type shadowed struct {
	Base
	ID int `json:"id"`
}

type left struct{ Same, L int }
type right struct{ Same, R int }
type ambiguous struct {
	left
	right
}

type tree struct {
	Name     string  `json:"name"`
	Parent   *tree   `json:"parent,omitempty"`
	Children []tree  `json:"children,omitempty"`
	Index    branchT `json:"index,omitempty"`
}

type branchT map[string]*tree

type money struct{ cents int64 }

func (m *money) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &m.cents) }

func (money) WindrowSchema() *schema.Schema {
	return &schema.Schema{Type: schema.Types{"string"}, Pattern: `^\d+\.\d\d$`}
}

type opaque struct{ x int }

func (o *opaque) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &o.x) }

func of[T any](t *testing.T) *schema.Schema {
	t.Helper()
	s, err := schema.Of(reflect.TypeFor[T](), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func text(t *testing.T, s *schema.Schema) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	out := strings.Replace(string(b), `"$schema":"`+schema.Dialect+`"`, "", 1)
	return strings.Replace(out, "{,", "{", 1)
}

func TestTypes(t *testing.T) {
	cases := []struct {
		of   func(*testing.T) *schema.Schema
		want string
	}{
		{of[bool], `{"type":"boolean"}`},
		{of[string], `{"type":"string"}`},
		{of[color], `{"type":"string","enum":["red","green"]}`},
		{of[*color], `{"type":["string","null"],"enum":["red","green",null]}`},
		{of[int], `{"type":"integer"}`},
		{of[int64], `{"type":"integer"}`},
		{of[int8], `{"type":"integer","minimum":-128,"maximum":127}`},
		{of[int32], `{"type":"integer","minimum":-2147483648,"maximum":2147483647}`},
		{of[uint], `{"type":"integer","minimum":0}`},
		{of[uint16], `{"type":"integer","minimum":0,"maximum":65535}`},
		{of[uint64], `{"type":"integer","minimum":0}`},
		{of[float32], `{"type":"number"}`},
		{of[json.Number], `{"type":"number"}`},
		{of[any], `{}`},
		{of[json.RawMessage], `{}`},
		{of[opaque], `{}`},
		{of[money], `{"type":"string","pattern":"^\\d+\\.\\d\\d$"}`},
		{of[*money], `{"type":["string","null"],"pattern":"^\\d+\\.\\d\\d$"}`},
		{of[time.Time], `{"type":"string","format":"date-time"}`},
		{of[netip.Addr], `{"type":"string"}`},
		{of[[]byte], `{"type":"string","contentEncoding":"base64"}`},
		{of[[]string], `{"type":"array","items":{"type":"string"}}`},
		{of[[2]bool], `{"type":"array","items":{"type":"boolean"},"minItems":2,"maxItems":2}`},
		{of[map[string][]int], `{"type":"object","additionalProperties":{"type":"array","items":{"type":"integer"}}}`},
		{of[map[int]bool], `{"type":"object","additionalProperties":{"type":"boolean"},"propertyNames":{"pattern":"^-?[0-9]+$"}}`},
		{of[map[netip.Addr]bool], `{"type":"object","additionalProperties":{"type":"boolean"}}`},
		{of[struct{}], `{"type":"object","additionalProperties":false}`},
		{of[*struct{ A int }], `{"type":["object","null"],"properties":{"A":{"type":"integer"}},"required":["A"],"additionalProperties":false}`},
		{of[shadowed], `{"type":"object","properties":{"note":{"type":"string"},"id":{"type":"integer"}},"required":["id"],"additionalProperties":false}`},
		{of[ambiguous], `{"type":"object","properties":{"L":{"type":"integer"},"R":{"type":"integer"}},"required":["L","R"],"additionalProperties":false}`},
		{of[struct {
			*Base
			X int `json:"-"`
			y int
			Z int `json:"-,"` //nolint:staticcheck // a field that is called -
			S int `json:",string"`
			P *int
			O time.Time `json:",omitzero"`
		}], `{"type":"object","properties":{"id":{"type":"string"},"note":{"type":"string"},"-":{"type":"integer"},"S":{"type":"string"},"P":{"type":["integer","null"]},"O":{"type":"string","format":"date-time"}},"required":["-","S"],"additionalProperties":false}`},
		{of[tree], `{"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"name":{"type":"string"},"parent":{"anyOf":[{"$ref":"#/$defs/tree"},{"type":"null"}]},"children":{"type":"array","items":{"$ref":"#/$defs/tree"}},"index":{"type":"object","additionalProperties":{"anyOf":[{"$ref":"#/$defs/tree"},{"type":"null"}]}}},"required":["name"],"additionalProperties":false}}}`},
	}
	for _, c := range cases {
		if got := text(t, c.of(t)); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestTags(t *testing.T) {
	type input struct {
		Name  string   `json:"name" windrow:"min=1,max=80,pattern='^[a-z, ]+$',desc='the name, as it''s written',example=ada,title=Name"`
		N     int      `json:"n" windrow:"default=3,min=0,max=9"`
		F     float64  `json:"f" windrow:"gt=0,lt=1.5"`
		Kind  string   `json:"kind" windrow:"enum=a|b,default=a,format=kind"`
		Code  int      `json:"code" windrow:"enum=1|2"`
		Flag  *string  `json:"flag" windrow:"enum=x|y"`
		Tags  []string `json:"tags" windrow:"min=1,max=5,unique,items.min=2,items.desc=a tag"`
		Rates map[string]float64
		List  []int       `json:"list,omitempty" windrow:"default='[1,2]',required"`
		Maybe string      `json:"maybe" windrow:"optional,arg=1"`
		First string      `json:"first" windrow:"arg=0"`
		Sizes map[int]int `json:"sizes" windrow:"min=1,max=2,items.max=4"`
	}
	want := `{"type":"object","properties":{` +
		`"name":{"title":"Name","description":"the name, as it's written","type":"string","examples":["ada"],"minLength":1,"maxLength":80,"pattern":"^[a-z, ]+$"},` +
		`"n":{"type":"integer","default":3,"minimum":0,"maximum":9},` +
		`"f":{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1.5},` +
		`"kind":{"type":"string","enum":["a","b"],"default":"a","format":"kind"},` +
		`"code":{"type":"integer","enum":[1,2]},` +
		`"flag":{"type":["string","null"],"enum":["x","y",null]},` +
		`"tags":{"type":"array","items":{"description":"a tag","type":"string","minLength":2},"minItems":1,"maxItems":5,"uniqueItems":true},` +
		`"Rates":{"type":"object","additionalProperties":{"type":"number"}},` +
		`"list":{"type":"array","default":[1,2],"items":{"type":"integer"}},` +
		`"maybe":{"type":"string"},"first":{"type":"string"},` +
		`"sizes":{"type":"object","additionalProperties":{"type":"integer","maximum":4},"propertyNames":{"pattern":"^-?[0-9]+$"},"minProperties":1,"maxProperties":2}},` +
		`"required":["name","f","code","tags","Rates","list","first","sizes"],"additionalProperties":false,"x-windrow-args":["first","maybe"]}`
	if got := text(t, of[input](t)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOpen(t *testing.T) {
	s, err := schema.Of(reflect.TypeFor[struct{ In struct{} }](), schema.Options{Open: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := text(t, s), `{"type":"object","properties":{"In":{"type":"object"}},"required":["In"]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if faults := s.CheckStrictly([]byte(`{"In":{"x":1},"y":2}`)); faults != nil {
		t.Error(faults)
	}
}

func TestWhatIsNoSchema(t *testing.T) {
	cases := map[string]reflect.Type{
		"a chan is no JSON":       reflect.TypeFor[chan int](),
		"a func is no JSON":       reflect.TypeFor[struct{ F func() }](),
		"a complex128 is no JSON": reflect.TypeFor[[]complex128](),
		"no interface but any":    reflect.TypeFor[error](),
		"keys of a map":           reflect.TypeFor[map[bool]int](),
		"field N: max: \"x\" is no n": reflect.TypeFor[struct {
			N int `windrow:"max=x"`
		}](),
		`"1.5" is no length`: reflect.TypeFor[struct {
			N string `windrow:"max=1.5"`
		}](),
		`"NaN" is no number`: reflect.TypeFor[struct {
			N float64 `windrow:"gt=NaN"`
		}](),
		"min is for a number": reflect.TypeFor[struct {
			N bool `windrow:"min=1"`
		}](),
		"format is for a string": reflect.TypeFor[struct {
			N int `windrow:"format=email"`
		}](),
		"only a slice or a map": reflect.TypeFor[struct {
			N int `windrow:"items.min=1"`
		}](),
		`there is no setting "mni"`: reflect.TypeFor[struct {
			N int `windrow:"mni=1"`
		}](),
		"missing closing )": reflect.TypeFor[struct {
			N string `windrow:"pattern=("`
		}](),
		"default or example 7": reflect.TypeFor[struct {
			N int `windrow:"default=7,max=5"`
		}](),
		`default: "x" is no JSON`: reflect.TypeFor[struct {
			N int `windrow:"default=x"`
		}](),
		"enum: true is true": reflect.TypeFor[struct {
			N int `windrow:"enum=true"`
		}](),
		"required takes no value": reflect.TypeFor[struct {
			N int `windrow:"required=1"`
		}](),
		"the closing ' is missing": reflect.TypeFor[struct {
			N int `windrow:"desc='x"`
		}](),
		"behind the closing '": reflect.TypeFor[struct {
			N int `windrow:"desc='x'y"`
		}](),
		"an item without a name": reflect.TypeFor[struct {
			N int `windrow:"min=1,,max=2"`
		}](),
		"none has arg=0": reflect.TypeFor[struct {
			N int `windrow:"arg=1"`
		}](),
		"say each of 0, 1, 2": reflect.TypeFor[struct {
			N, M int `windrow:"arg=0"`
		}](),
		"not exported": reflect.TypeFor[struct{ *line }](),
		"a recursive type takes no": reflect.TypeFor[struct {
			T tree `windrow:"min=1"`
		}](),
	}
	for want, typ := range cases {
		if s, err := schema.Of(typ, schema.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v, want an error that says %q", typ, s, err, want)
		}
	}
}
