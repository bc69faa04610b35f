package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/windrow-dev/windrow/sdk/wire"
)

const wasmType = "Content-Type: application/wasm"

func TestModules(t *testing.T) {
	b := start(t)
	bytes1, bytes2 := "\x00asm\x01\x00\x00\x00", "\x00asm\x01\x00\x00\x00more"
	var m wire.Module
	a := b.do("PUT", "/v1/modules/mail", bytes1, wasmType).ok(201, &m)
	if m.Name != "mail" || m.Version != 1 || m.Kind != "command" || m.Size != 8 || len(m.Tasks) != 1 || m.Workflows == nil || !isDigest(m.Digest) || m.CreatedAt.IsZero() {
		t.Fatalf("%s", a.body)
	}
	b.do("PUT", "/v1/modules/mail", bytes1, wasmType).ok(200, &m)
	b.do("PUT", "/v1/modules/mail", bytes2, wasmType).ok(201, &m)
	if m.Version != 2 {
		t.Fatal(m)
	}
	b.do("GET", "/v1/modules/mail", "").ok(200, &m)
	if m.Version != 2 || len(m.Versions) != 2 {
		t.Fatalf("%+v", m)
	}
	b.do("GET", "/v1/modules/mail?version=1", "").ok(200, &m)
	if m.Version != 1 || m.Size != 8 {
		t.Fatalf("%+v", m)
	}
	if a := b.do("GET", "/v1/modules/mail/wasm?version=1", "").ok(200, nil); a.body != bytes1 || a.header.Get("Content-Type") != wire.TypeWasm {
		t.Fatal(a)
	}
	var list wire.List[wire.Module]
	b.do("GET", "/v1/modules?limit=1", "").ok(200, &list)
	if len(list.Items) != 1 || list.Items[0].Name != "etl" || list.NextCursor == "" {
		t.Fatalf("%+v", list)
	}
	b.do("GET", "/v1/modules?limit=1&cursor="+list.NextCursor, "").ok(200, &list)
	if len(list.Items) != 1 || list.Items[0].Name != "mail" {
		t.Fatalf("%+v", list)
	}
	b.submit(`{"task":"mail.main"}`)
	b.do("DELETE", "/v1/modules/mail", "").problem(409, "module_in_use")
	b.do("DELETE", "/v1/modules/etl", "").ok(204, nil)
	b.do("GET", "/v1/modules/etl", "").problem(404, "module_not_found")
	b.do("GET", "/v1/modules/etl/wasm", "").problem(404, "module_not_found")
	b.do("DELETE", "/v1/modules/etl", "").problem(404, "module_not_found")
	b.do("GET", "/v1/modules/mail?version=9", "").problem(404, "module_not_found")
	b.do("GET", "/v1/modules/mail?version=0", "").problem(400, "bad_request")
}

func gz(t testing.TB, r io.Reader) string {
	t.Helper()
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if _, err := io.Copy(z, r); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func zs(t testing.TB, r io.Reader, opts ...zstd.EOption) string {
	t.Helper()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(z, r); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestCompressedBodies(t *testing.T) {
	b := start(t)
	wasm := "\x00asm\x01\x00\x00\x00" + strings.Repeat("a", 100_000)
	var m wire.Module
	b.do("PUT", "/v1/modules/a", gz(t, strings.NewReader(wasm)), wasmType, "Content-Encoding: gzip").ok(201, &m)
	b.do("PUT", "/v1/modules/a", zs(t, strings.NewReader(wasm)), wasmType, "Content-Encoding: zstd").ok(200, &m)
	b.do("PUT", "/v1/modules/a", wasm, wasmType, "Content-Encoding: identity").ok(200, &m)
	if m.Size != int64(len(wasm)) {
		t.Fatal(m.Size)
	}
	b.do("PUT", "/v1/modules/a", wasm, wasmType, "Content-Encoding: br").problem(415, "unsupported_media_type")
	b.do("PUT", "/v1/modules/a", wasm, wasmType, "Content-Encoding: gzip").problem(400, "bad_request")
	b.do("PUT", "/v1/modules/a", wasm, wasmType, "Content-Encoding: zstd").problem(400, "bad_request")
	whole := gz(t, strings.NewReader(wasm))
	b.do("PUT", "/v1/modules/a", whole[:len(whole)/2], wasmType, "Content-Encoding: gzip").problem(400, "bad_request")
	b.do("POST", "/v1/tasks", gz(t, strings.NewReader(`{"task":"etl.load"}`)), "Content-Encoding: gzip").ok(202, nil)
	b.do("POST", "/v1/tasks/batch", zs(t, strings.NewReader(`[{"task":"etl.load"}]`)), "Content-Encoding: zstd").ok(202, nil)
}

// zeros is an endless module.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// 1 GiB of zeros in a small body costs neither time nor memory, wherever it is
// sent.
func TestBombs(t *testing.T) {
	b := start(t)
	const size = 1 << 30
	bombs := map[string]string{"gzip": gz(t, io.LimitReader(zeros{}, size)), "zstd": zs(t, io.LimitReader(zeros{}, size), zstd.WithEncoderLevel(zstd.SpeedFastest))}
	for encoding, bomb := range bombs {
		if len(bomb) > 8<<20 {
			t.Fatalf("%s: %d bytes", encoding, len(bomb))
		}
		peak := b.peak(func() {
			if p := b.do("PUT", "/v1/modules/bomb", bomb, wasmType, "Content-Encoding: "+encoding).problem(413, "too_large"); !strings.Contains(p.Detail, "--max-module") {
				t.Errorf("no word of what to do: %s", p.Detail)
			}
			b.do("POST", "/v1/tasks", bomb, "Content-Encoding: "+encoding).problem(413, "too_large")
			b.do("POST", "/v1/tasks/batch", bomb, "Content-Encoding: "+encoding).problem(413, "too_large")
			b.do("POST", "/v1/tasks/01890a5d-ac96-774b-bcce-b302099a8057/revoke", bomb, "Content-Encoding: "+encoding).problem(413, "too_large")
		})
		// The fake node reads what it may, 64 MiB, into a slice that doubles.
		if peak > 600<<20 {
			t.Errorf("%s: the heap grew by %d MiB", encoding, peak>>20)
		}
	}
	if b.srv.bodies.used.Load() != 0 {
		t.Fatal("budget was not given back")
	}
}

// peak is by how much the heap grew at most while fn ran.
func (b *bench) peak(fn func()) uint64 {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	stop, done, high := make(chan struct{}), make(chan struct{}), uint64(0)
	go func() {
		defer close(done)
		for {
			runtime.ReadMemStats(&now)
			high = max(high, now.HeapInuse)
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	fn()
	close(stop)
	<-done
	return high - min(high, before.HeapInuse)
}

// A module of 1 GiB is refused with an answer that arrives, whether its length
// is said or not.
func TestHugeModule(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 2 GiB over loopback")
	}
	b := start(t)
	for _, length := range []int64{1 << 30, -1} {
		req, err := http.NewRequest("PUT", b.url+"/v1/modules/huge", io.MultiReader(strings.NewReader("\x00asm"), io.LimitReader(zeros{}, 1<<30-4)))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = length
		req.Header.Set("Content-Type", wire.TypeWasm)
		b.send(req).problem(413, "too_large")
	}
}

func TestBadUploads(t *testing.T) {
	b := start(t)
	b.do("PUT", "/v1/modules/text", "this is text", wasmType).problem(422, "invalid_module")
	b.do("PUT", "/v1/modules/empty", "", wasmType).problem(400, "bad_request")
	b.do("PUT", "/v1/modules/Bad", "\x00asm", wasmType).problem(400, "bad_request")
	b.do("PUT", "/v1/modules/"+strings.Repeat("m", 64), "\x00asm", wasmType).problem(400, "bad_request")
	b.do("PUT", "/v1/modules/form", "\x00asm", "Content-Type: application/x-www-form-urlencoded").problem(415, "unsupported_media_type")
	b.do("PUT", "/v1/modules/none", "\x00asm", "Content-Type: ").problem(415, "unsupported_media_type")
}

func TestBlobs(t *testing.T) {
	b := start(t)
	digest := b.node.keepBlob([]byte("hello"))
	delete(b.node.blobs, digest)
	var blob wire.Blob
	bin := "Content-Type: application/octet-stream"
	b.do("PUT", "/v1/blobs/"+digest, "hello", bin).ok(201, &blob)
	if blob.Digest != digest || blob.Size != 5 {
		t.Fatal(blob)
	}
	a := b.do("GET", "/v1/blobs/"+strings.Replace(digest, ":", "%3A", 1), "").ok(200, nil)
	if a.body != "hello" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Fatal(a)
	}
	b.do("PUT", "/v1/blobs/"+digest, "other", bin).problem(400, "digest_mismatch")
	b.do("PUT", "/v1/blobs/sha256:xyz", "other", bin).problem(400, "bad_request")
	b.do("GET", "/v1/blobs/sha256:"+strings.Repeat("a", 64), "").problem(404, "not_found")
}
