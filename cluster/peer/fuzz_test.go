package peer

import (
	"bufio"
	"bytes"
	"errors"
	"testing"
	"time"
)

func FuzzReadFrame(f *testing.F) {
	f.Add(appendFrame(nil, []byte("hello")))
	f.Add(appendFrame(appendFrame(nil, nil), make([]byte, 300)))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReader(bytes.NewReader(b))
		var again []byte
		for {
			frame, err := readFrame(r)
			if err != nil {
				break
			}
			again = appendFrame(again, frame)
		}
		if !bytes.HasPrefix(b, again) {
			t.Fatalf("%x was read as %x", b, again)
		}
	})
}

func FuzzReadRequest(f *testing.F) {
	f.Add(appendRequest(nil, 7, time.Second, "echo", []byte("body")))
	f.Add([]byte{1, 2, 200, 'x'})
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := readRequest(b)
		if err != nil {
			if !errors.Is(err, ErrFrame) {
				t.Fatal(err)
			}
			return
		}
		again, err := readRequest(appendRequest(nil, q.id, q.limit, q.method, q.body))
		if err != nil || again.id != q.id || again.limit != q.limit || again.method != q.method || !bytes.Equal(again.body, q.body) {
			t.Fatalf("%+v became %+v: %v", q, again, err)
		}
	})
}

func FuzzReadReply(f *testing.F) {
	f.Add(writeReply(7, []byte("body"), nil))
	f.Add(writeReply(7, nil, &Error{Code: "c", Message: "m"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, r, err := readReply(b)
		if err != nil {
			return
		}
		id2, r2, err := readReply(writeReply(id, r.body, r.err))
		if err != nil || id2 != id || !bytes.Equal(r2.body, r.body) || (r.err == nil) != (r2.err == nil) {
			t.Fatalf("%d %+v became %d %+v: %v", id, r, id2, r2, err)
		}
	})
}

func FuzzReadPreamble(f *testing.F) {
	var b bytes.Buffer
	if err := (preamble{kind: raftStream, version: 1, cluster: ClusterID{9}, node: "n1"}).write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("GET / HTTP/1.1\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := readPreamble(bytes.NewReader(in))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := p.write(&out); err != nil || !bytes.HasPrefix(in, out.Bytes()) {
			t.Fatalf("%x was read as %x: %v", in, out.Bytes(), err)
		}
	})
}
