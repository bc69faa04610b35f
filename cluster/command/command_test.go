package command

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// verbs are all there are; a new one must be added here, or TestEveryVerb says
// so.
func verbs() []Command {
	var all []Command
	for v := Verb(1); ; v++ {
		c := blank(v)
		if c == nil {
			return all
		}
		all = append(all, c)
	}
}

func TestEveryVerbHasItsNumber(t *testing.T) {
	for i, c := range verbs() {
		if c.Verb() != Verb(i+1) {
			t.Errorf("%T says verb %d and is made for %d", c, c.Verb(), i+1)
		}
	}
	if n := len(verbs()); n != int(VerbSetTick) {
		t.Errorf("%d verbs can be decoded, %d are named", n, VerbSetTick)
	}
}

// TestRoundTrip writes and reads random commands of every verb.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, c := range verbs() {
			v := reflect.ValueOf(c).Elem()
			fill(t, v)
			if calls := v.FieldByName("Calls"); calls.IsValid() {
				mend(calls.Addr().Interface().(*Calls))
			}
			switch c := c.(type) {
			case *Submit:
				for i := range c.Runs {
					mendRun(&c.Runs[i])
				}
			case *Stage:
				if c.Run != nil {
					mendRun(c.Run)
				}
			}
			switch c := c.(type) {
			case *Complete:
				mendOutcomes(c)
			case *Decide:
				mendOutcome(&c.Outcome)
			}
			raw := Encode(7, c)
			if shard, err := Shard(raw); err != nil || shard != 7 {
				t.Fatalf("shard %d, %v", shard, err)
			}
			got, err := Decode(raw)
			if err != nil {
				t.Fatalf("%T: %v", c, err)
			}
			if !bytes.Equal(raw, Encode(7, got)) {
				t.Fatalf("%T: %+v became %+v", c, c, got)
			}
			normal(v)
			normal(reflect.ValueOf(got).Elem())
			if !reflect.DeepEqual(c, got) {
				t.Fatalf("%T: %+v became %+v", c, c, got)
			}
		}
	})
}

// fill sets every field that it can reach to something random.
func fill(t *rapid.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "set") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	case reflect.Slice:
		n := rapid.IntRange(0, 3).Draw(t, "len")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(t, v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.String:
		v.SetString(rapid.StringN(0, 8, 16).Draw(t, "string"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int64, reflect.Int32:
		n := rapid.Int64().Draw(t, "int")
		if v.Kind() == reflect.Int32 {
			n = int64(int32(n))
		}
		v.SetInt(n)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n := rapid.Uint64().Draw(t, "uint")
		v.SetUint(n >> (64 - 8*v.Type().Size()))
	default:
		t.Fatalf("a field of kind %s needs a filler", v.Kind())
	}
}

// mend makes spec references valid and drops what optional groups leave out.
func mend(c *Calls) {
	if len(c.Specs) == 0 {
		c.List = nil
	}
	for i := range c.List {
		call := &c.List[i]
		call.Spec %= uint32(len(c.Specs))
		if call.FairnessKey == "" && call.UniqueKey == "" && call.ConcurrencyKey == "" {
			call.ConcurrencyLimit = 0
		}
		if call.Debounce.Key == "" {
			call.Debounce = Debounce{}
		}
		if call.Throttle.Key == "" {
			call.Throttle = Throttle{}
		}
	}
}

// mendRun leaves out what a node of its kind does not have.
func mendRun(x *NewRun) {
	p := &x.Part
	for i := range p.Nodes {
		n := &p.Nodes[i]
		n.Kind %= 3
		slices.Sort(n.Ups)
		if n.Kind == workflow.Join || len(p.Specs) == 0 {
			n.Kind, n.Call = workflow.Join, Call{}
		} else {
			n.Listed, n.First = 0, 0
			n.Call.ID = queue.ID{}
			calls := Calls{Specs: p.Specs, List: []Call{n.Call}}
			mend(&calls)
			n.Call = calls.List[0]
		}
		if n.Kind != workflow.Map {
			n.Size, n.Chunk = 0, 0
		}
	}
}

func mendOutcomes(c *Complete) {
	for i := range c.Results {
		mendOutcome(&c.Results[i].Outcome)
		for n := range c.Results[i].Runs {
			mendRun(&c.Results[i].Runs[n])
		}
	}
}

func mendOutcome(o *queue.Outcome) {
	if o.OK = o.OK || o.Error == nil; o.OK {
		o.Error = nil
	}
}

// normal makes empty slices nil: the two are not told apart.
func normal(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			normal(v.Field(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			normal(v.Elem())
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.SetZero()
		}
		for i := range v.Len() {
			normal(v.Index(i))
		}
	}
}

func FuzzDecodeBatch(f *testing.F) {
	b := AppendBatch(nil, 5, 2)
	b = AppendCommand(b, Encode(0, &Submit{Namespace: "n", Calls: Calls{
		Specs: []queue.Spec{queue.DefaultSpec("n", "m", "t")}, List: []Call{{Payload: []byte("p"), UniqueKey: "u"}}}}))
	b = AppendCommand(b, Encode(0, &Complete{Results: []TaskResult{{Outcome: queue.Outcome{OK: true, Result: []byte("1")}}}}))
	f.Add(b)
	for _, c := range verbs() {
		f.Add(AppendCommand(AppendBatch(nil, 1, 1), Encode(0, c)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		batch, err := DecodeBatch(raw)
		if err != nil {
			return
		}
		again := AppendBatch(nil, batch.T, len(batch.Commands))
		for _, c := range batch.Commands {
			again = AppendCommand(again, Encode(0, c))
		}
		if _, err := DecodeBatch(again); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
	})
}

func FuzzDecodeResult(f *testing.F) {
	f.Add((&Result{Code: CodeDuplicate, IDs: []queue.ID{{1}}, Refused: []uint32{1}}).Append(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := DecodeResult(raw)
		if err != nil {
			return
		}
		if again, err := DecodeResult(r.Append(nil)); err != nil || !reflect.DeepEqual(r, again) {
			t.Fatalf("%+v became %+v, %v", r, again, err)
		}
	})
}

func TestDecodeOfNothingKnown(t *testing.T) {
	for name, raw := range map[string][]byte{
		"empty": {}, "unknown verb": {0, 200}, "shard only": {0}, "cut short": Encode(0, &Revoke{Namespace: "n"})[:5],
	} {
		if _, err := Decode(raw); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
