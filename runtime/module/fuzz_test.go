package module

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzRead feeds Read anything. It must not panic, must answer twice the
// same, must not change its input, and must give errors that hold together.
func FuzzRead(f *testing.F) {
	g := reactor()
	g.types = append(g.types, funcType("iii>I"))
	g.imports = [][]byte{imp("windrow", "call", 0, 1)}
	g.exports = [][]byte{exp("windrow_describe", 0, 1), exp("windrow_run", 0, 2), exp("memory", 2, 0)}
	g.tables = [][]byte{{typeFuncref, 1, 1, 9}}
	g.globals = [][]byte{{typeI32, 1, 0x41, 0, 0x0b}}
	g.elements = [][]byte{{0, 0x41, 0, 0x0b, 1, 0}, {5, 0x70, 1, 0xd0, 0x70, 0x0b}}
	g.count = []byte{1}
	g.code[0] = fn(locals(3), 0x02, 0x40, 0x03, 0x40, 0x20, 0, 0x0e, 2, 0, 1, 0, 0x0b, 0x0b, 0x41, 0, 0x04, 0x40, 0x05, 0x0b, 0x20, 1, 0x28, 2, 0)
	g.code[1] = fn(noLocals, join([]byte{0xfc, 9, 0, 0xfd, 12}, rep(16, 0), []byte{0x1a, 0x10, 0, 0x11, 0, 0})...)
	g.data = [][]byte{{1, 1, 7}}
	g.custom = [][]byte{custom("name", []byte{1}, sized(list(join(u(0), text8("f"))))),
		custom("producers", list(join(text8("language"), list(join(text8("Go"), text8("1"))))))}
	f.Add(g.bytes())
	f.Add(command().bytes())
	f.Add(withCode(0xfe, 0).bytes())
	f.Add([]byte("(module)"))
	f.Add([]byte("\x00asm\x0d\x00\x01\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := string(b)
		info, err := Read(b, Limits{})
		if string(b) != before {
			t.Fatal("Read changed its input")
		}
		again, err2 := Read(b, Limits{})
		if !reflect.DeepEqual(info, again) || !reflect.DeepEqual(err, err2) {
			t.Fatal("Read answers differently the second time")
		}
		if err == nil {
			checkInfo(t, info, b)
			return
		}
		checkError(t, err, b)
	})
}

func checkInfo(t *testing.T, info *Info, b []byte) {
	lim := Defaults()
	if info.Kind != Command && info.Kind != Reactor {
		t.Errorf("kind %q", info.Kind)
	}
	if info.Size != len(b) || info.Functions > len(b) || info.CompileTime < 0 || info.CompileTime > lim.CompileTime {
		t.Errorf("%+v", info)
	}
	if w := info.Heaviest; w.Memory() < 0 || w.CrossLocals > max(w.Locals, w.BodyBytes) || w.Joints > w.Blocks {
		t.Errorf("heaviest: %+v", w)
	}
}

func checkError(t *testing.T, err error, b []byte) {
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%T is no *Error", err)
	}
	if e.Offset < 0 || e.Offset > int64(len(b)) {
		t.Errorf("offset %d of %d: %v", e.Offset, len(b), e)
	}
	if e.Code == "" || e.Message == "" || !utf8.ValidString(e.Error()) || len(e.Error()) > 4000 {
		t.Errorf("%q", e.Error())
	}
	if strings.Contains(e.Error(), "%!") {
		t.Errorf("a message with a wrong verb: %s", e)
	}
}
