package msgpack

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func read(s string) (string, error) {
	b, err := io.ReadAll(NewReader(strings.NewReader(s)))
	return string(b), err
}

// The forms of the specification, each one.
func TestForms(t *testing.T) {
	for packed, want := range map[string]string{
		"":                                     ``,
		"\x00":                                 `0`,
		"\x7f":                                 `127`,
		"\xff":                                 `-1`,
		"\xe0":                                 `-32`,
		"\xc0\xc2\xc3":                         "null\nfalse\ntrue",
		"\xcc\xff":                             `255`,
		"\xcd\xff\xff":                         `65535`,
		"\xce\xff\xff\xff\xff":                 `4294967295`,
		"\xcf\xff\xff\xff\xff\xff\xff\xff\xff": `18446744073709551615`,
		"\xd0\x80":                             `-128`,
		"\xd1\x80\x00":                         `-32768`,
		"\xd2\x80\x00\x00\x00":                 `-2147483648`,
		"\xd3\x80\x00\x00\x00\x00\x00\x00\x00": `-9223372036854775808`,
		"\xd3\x7f\xff\xff\xff\xff\xff\xff\xff": `9223372036854775807`,
		"\xca\x3d\xcc\xcc\xcd":                 `0.1`,
		"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a": `0.1`,
		"\xcb\x44\x4b\x1a\xe4\xd6\xe2\xef\x50": `1e+21`,
		"\xa0":                                 `""`,
		"\xa5a\"\\\n\x01":                      `"a\"\\\u000a\u0001"`,
		"\xd9\x01x":                            `"x"`,
		"\xda\x00\x01x":                        `"x"`,
		"\xdb\x00\x00\x00\x01x":                `"x"`,
		"\xc4\x00":                             `""`,
		"\xc4\x02\x00\xff":                     `"AP8="`,
		"\xc5\x00\x02\x00\xff":                 `"AP8="`,
		"\xc6\x00\x00\x00\x02\x00\xff":         `"AP8="`,
		"\x90":                                 `[]`,
		"\x80":                                 `{}`,
		"\x93\x01\x91\x02\x80":                 `[1,[2],{}]`,
		"\xdc\x00\x02\x01\x02":                 `[1,2]`,
		"\xdd\x00\x00\x00\x01\x01":             `[1]`,
		"\x82\xa1a\x01\xa1b\x81\xa1c\x90":      `{"a":1,"b":{"c":[]}}`,
		"\xde\x00\x01\xa1a\x01":                `{"a":1}`,
		"\xdf\x00\x00\x00\x01\xd9\x01a\x01":    `{"a":1}`,
		"\xd6\xff\x00\x00\x00\x01":             `"1970-01-01T00:00:01Z"`,
		"\xd7\xff\x77\x35\x94\x00\x00\x00\x00\x01":                     `"1970-01-01T00:00:01.5Z"`,
		"\xc7\x0c\xff\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff": `"1969-12-31T23:59:59.000000001Z"`,
	} {
		if got, err := read(packed); err != nil || got != want {
			t.Errorf("%q: got %s, %v, want %s", packed, got, err, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for packed, want := range map[string]string{
		"\xc1":                                 "at byte 1 is 0xc1",
		"\x81\x01\x02":                         "a key that is no string",
		"\x81\xc4\x01a\x02":                    "a key that is no string",
		"\x81\xc0\x02":                         "a key that is no string",
		"\xca\x7f\x80\x00\x00":                 "+Inf",
		"\xca\xff\x80\x00\x00":                 "-Inf",
		"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x01": "NaN",
		"\xd4\x05\x00":                         "an extension of type 5",
		"\xd4\xfe\x00":                         "an extension of type -2",
		"\xd5\xff\x00\x00":                     "has 2 bytes",
		"\xd7\xff\xff\xff\xff\xff\xff\xff\xff\xff":                     "not within the years",
		"\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff": "not within the years",
		"\xa2a":                            "at byte 2 it ends within a value",
		"\xc6\xff\xff\xff\xff":             "it ends within a value",
		"\xdd\xff\xff\xff\xff\x01":         "it ends within a value",
		"\xdf\xff\xff\xff\xff":             "it ends within a value",
		"\x81\xa1a":                        "it ends within a value",
		"\xcf\x00":                         "it ends within a value",
		strings.Repeat("\x91", maxDepth+1): "nested too deeply",
	} {
		_, err := read(packed)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %v, want %s", packed, err, want)
		}
	}
	cause := errors.New("the line is cut")
	if _, err := io.ReadAll(NewReader(io.MultiReader(strings.NewReader("\xa9abc"), iotest.ErrReader(cause)))); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

// pack writes a value as other programs do, in forms that n chooses among.
func pack(dst []byte, v any, wide bool) []byte {
	size := func(n int, short byte, most int, codes ...byte) {
		switch {
		case n <= most && !wide:
			dst = append(dst, short|byte(n))
		case n < 1<<16 && !wide:
			dst = binary.BigEndian.AppendUint16(append(dst, codes[0]), uint16(n))
		default:
			dst = binary.BigEndian.AppendUint32(append(dst, codes[1]), uint32(n))
		}
	}
	switch v := v.(type) {
	case nil:
		return append(dst, 0xc0)
	case bool:
		if v {
			return append(dst, 0xc3)
		}
		return append(dst, 0xc2)
	case int64:
		return binary.BigEndian.AppendUint64(append(dst, 0xd3), uint64(v))
	case uint64:
		return binary.BigEndian.AppendUint64(append(dst, 0xcf), v)
	case float64:
		return binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(v))
	case string:
		size(len(v), 0xa0, 31, 0xda, 0xdb)
		return append(dst, v...)
	case []byte:
		size(len(v), 0, -1, 0xc5, 0xc6)
		return append(dst, v...)
	case []any:
		size(len(v), 0x90, 15, 0xdc, 0xdd)
		for _, x := range v {
			dst = pack(dst, x, wide)
		}
	case map[string]any:
		size(len(v), 0x80, 15, 0xde, 0xdf)
		for k, x := range v {
			dst = pack(pack(dst, k, wide), x, wide)
		}
	}
	return dst
}

func values() *rapid.Generator[any] {
	leaf := rapid.OneOf(rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Uint64().AsAny(),
		rapid.Float64().Filter(func(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) }).AsAny(),
		rapid.String().AsAny(), rapid.SliceOfN(rapid.Byte(), 0, 7000).AsAny())
	for range 3 {
		inner := leaf
		leaf = rapid.OneOf(inner, rapid.SliceOfN(inner, 0, 40).AsAny(), rapid.MapOfN(rapid.String(), inner, 0, 20).AsAny())
	}
	return leaf
}

// like is what encoding/json is given of a value.
func like(v any) any {
	switch v := v.(type) {
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = like(x)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = like(x)
		}
		return out
	}
	return v
}

// What is packed reads, as JSON, like what encoding/json makes of it.
func TestLikeJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := values().Draw(t, "value")
		packed := pack(nil, v, rapid.Bool().Draw(t, "wide"))
		got, err := io.ReadAll(NewReader(iotest.HalfReader(bytes.NewReader(packed))))
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(like(v))
		if err != nil {
			t.Fatal(err)
		}
		if a, b := parse(t, got), parse(t, text); !reflect.DeepEqual(a, b) {
			t.Fatalf("got  %s\nwant %s", got, text)
		}
	})
}

// parse keeps numbers exact, however they are written.
func parse(t rapid.TB, b []byte) any {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return plain(v)
}

func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		r, ok := new(big.Rat).SetString(v.String())
		if !ok {
			return v
		}
		return r.RatString()
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}

// Whatever comes, what is read is JSON, line by line, the same in any pieces,
// and no longer than escapes make it.
func FuzzReader(f *testing.F) {
	for _, s := range []string{"\x82\xa4task\xa9etl.load\xa4args\x93\x01\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a\xc4\x02ab", "\x91\x80\x90", "\xd6\xff\x00\x00\x00\x01\xc1", "\xdf\xff\xff\xff\xff\xa0"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := io.ReadAll(NewReader(bytes.NewReader(b)))
		again, errAgain := io.ReadAll(iotest.OneByteReader(NewReader(iotest.OneByteReader(bytes.NewReader(b)))))
		if !bytes.Equal(got, again) || (err == nil) != (errAgain == nil) {
			t.Fatalf("%q %v\n%q %v", got, err, again, errAgain)
		}
		if len(got) > 40*len(b) {
			t.Fatalf("%d bytes became %d", len(b), len(got))
		}
		if err != nil || len(got) == 0 {
			return
		}
		for line := range bytes.SplitSeq(got, []byte("\n")) {
			if !json.Valid(line) {
				t.Fatalf("no JSON: %q", line)
			}
		}
	})
}
