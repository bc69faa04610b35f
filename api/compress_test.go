package api

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	windrow "github.com/windrow-dev/windrow/sdk"
)

func TestEncodingOf(t *testing.T) {
	for accept, want := range map[string]string{"": "", "identity": "", "br, deflate": "", "*": "", "gzip": "gzip", "GZIP": "gzip", "gzip, deflate, br, zstd": "zstd",
		"zstd;q=0, gzip": "gzip", "zstd;q=0.5,gzip; q=0.8": "gzip", "gzip;q=0": "", "zstd;q=NaN": "", "zstd;q=2, gzip;q=0.1": "gzip", "gzip, zstd": "zstd"} {
		if got := encodingOf(accept); got != want {
			t.Errorf("%q: got %q, want %q", accept, got, want)
		}
	}
}

// unzip reads an answer's body by what its header says.
func unzip(t *testing.T, a *answer) string {
	t.Helper()
	var in io.Reader = strings.NewReader(a.body)
	switch a.header.Get("Content-Encoding") {
	case "gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		in = z
	case "zstd":
		z, err := zstd.NewReader(in, zstd.WithDecoderMaxWindow(1<<20))
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		in = z
	}
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCompressedAnswers(t *testing.T) {
	b := start(t)
	for range 60 {
		b.submit(`{"task":"etl.load","args":["some text, again and again"]}`)
	}
	plain := b.do("GET", "/v1/tasks?limit=60", "", "Accept-Encoding: identity")
	if plain.header.Get("Content-Encoding") != "" || plain.header.Get("Vary") != "Accept-Encoding" || len(plain.body) < 8<<10 {
		t.Fatalf("%d bytes, %v", len(plain.body), plain.header)
	}
	for _, encoding := range []string{"gzip", "zstd"} {
		for range 3 { // writers are used again
			a := b.do("GET", "/v1/tasks?limit=60", "", "Accept-Encoding: "+encoding)
			if got := a.header.Get("Content-Encoding"); got != encoding || a.header.Get("Vary") != "Accept-Encoding" || len(a.body) > len(plain.body)/4 {
				t.Fatalf("%d of %d bytes, %v", len(a.body), len(plain.body), a.header)
			}
			if unzip(t, a) != plain.body {
				t.Fatalf("%s changed the answer", encoding)
			}
		}
	}
	if a := b.do("HEAD", "/v1/tasks?limit=60", "", "Accept-Encoding: gzip"); a.status != 200 || a.header.Get("Vary") != "Accept-Encoding" {
		t.Fatalf("%+v", a)
	}
}

// What is small, what comes as a stream and what is somebody's bytes goes as it is.
func TestPlainAnswers(t *testing.T) {
	b := start(t)
	id := b.submit(`{"task":"etl.load"}`)
	b.node.log = strings.Repeat("a line of the log\n", 400)
	close(b.node.more) // who follows is at the end at once
	digest := b.node.keepBlob([]byte(strings.Repeat("a", 4<<10)))
	for _, path := range []string{"/v1/tasks", "/v1/tasks/" + id.String() + "/logs?follow=true", "/v1/blobs/" + digest} {
		a := b.do("GET", path, "", "Accept-Encoding: zstd, gzip")
		if a.status != 200 || a.header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
	}
}

// The Go client asks for gzip by itself and reads what comes.
func TestCompressedForClient(t *testing.T) {
	b := start(t)
	for range 60 {
		b.submit(`{"task":"etl.load","args":["some text, again and again"]}`)
	}
	seen := &watched{}
	client, err := windrow.New(windrow.Config{Servers: []string{b.url}, Transport: seen})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	n := 0
	for _, err := range client.Tasks(context.Background(), windrow.TaskFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 60 || !seen.uncompressed {
		t.Fatalf("%d tasks, compressed: %v", n, seen.uncompressed)
	}
}

// watched sees whether an answer was compressed.
type watched struct{ uncompressed bool }

func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		w.uncompressed = w.uncompressed || resp.Uncompressed
	}
	return resp, err
}
