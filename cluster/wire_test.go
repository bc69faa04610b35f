package cluster

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
)

func FuzzReadList(f *testing.F) {
	f.Add(appendList(nil, nil))
	f.Add(appendList(nil, [][]byte{[]byte("a"), {}, []byte("long enough")}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := readList(b)
		if err != nil {
			return
		}
		again, err := readList(appendList(nil, list))
		if err != nil || len(again) != len(list) {
			t.Fatalf("%q became %q: %v", list, again, err)
		}
		for i := range list {
			if !bytes.Equal(list[i], again[i]) {
				t.Fatalf("%q became %q", list, again)
			}
		}
	})
}

func FuzzReadOutcome(f *testing.F) {
	f.Add(appendOutcome(nil, 7, []command.Result{{Code: command.CodeExists, Detail: "d"}, {Version: 3, Created: true}}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		index, results, err := readOutcome(b)
		if err != nil {
			return
		}
		index2, results2, err := readOutcome(appendOutcome(nil, index, results))
		if err != nil || index2 != index || !reflect.DeepEqual(results, results2) {
			t.Fatalf("%d %+v became %d %+v: %v", index, results, index2, results2, err)
		}
	})
}

func FuzzReadHint(f *testing.F) {
	f.Add([]byte{1, 2})
	f.Add([]byte{0x80, 1, 0x80, 1})
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _, _ = readHint(b)
	})
}
