// Package ui is the page at /. What a browser loads is built from src/ into
// dist/ by build.sh and embedded; this package only hands it out. Everything the
// page shows it asks of the same routes as any other client.
package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
)

//go:embed dist
var dist embed.FS

// policy lets a browser load and ask nothing beyond this node, run no script
// but the embedded one, make no script of text, and show the page in no other page's frame.
const policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; " +
	"require-trusted-types-for 'script'; trusted-types svelte-trusted-html"

// types by a file's ending; a file of another kind is a mistake of the build.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
}

// file is one of the page's, as it is sent.
type file struct {
	kind   string
	etag   string
	keep   string // Cache-Control
	plain  []byte
	zipped func() []byte // when first asked for
}

// pages are the files by name, read when the first browser comes: a node's
// start does not wait for them.
var pages = sync.OnceValues(func() (map[string]*file, error) {
	files := map[string]*file{}
	entries, err := fs.ReadDir(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("read the embedded page: %w", err)
	}
	for _, e := range entries {
		kind, ok := types[path.Ext(e.Name())]
		if !ok {
			continue
		}
		b, err := dist.ReadFile("dist/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("read the embedded page: %w", err)
		}
		files[e.Name()] = newFile(e.Name(), kind, b)
	}
	return files, nil
})

func newFile(name, kind string, b []byte) *file {
	sum := sha256.Sum256(b)
	f := &file{kind: kind, etag: `"` + hex.EncodeToString(sum[:8]) + `"`, keep: "no-cache", plain: b}
	if strings.HasPrefix(name, "app-") { // named by its hash
		f.keep = "public, max-age=31536000, immutable"
	}
	f.zipped = sync.OnceValue(func() []byte { return zip(b) })
	return f
}

func zip(b []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil
	}
	if _, err := w.Write(b); err != nil {
		return nil
	}
	if err := w.Close(); err != nil {
		return nil
	}
	return out.Bytes()
}

// Page answers / with the page, and /?f=NAME with a file of it.
func Page(c *fiber.Ctx) error {
	files, err := pages()
	if err != nil {
		return err
	}
	name := "index.html"
	if asked := c.Query("f"); asked != "" {
		name = asked
	}
	f, ok := files[name]
	if !ok {
		return fiber.ErrNotFound
	}
	head := &c.Response().Header
	head.Set(fiber.HeaderCacheControl, f.keep)
	head.Set(fiber.HeaderETag, f.etag)
	head.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	head.Set(fiber.HeaderContentSecurityPolicy, policy)
	head.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	head.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	if strings.Contains(c.Get(fiber.HeaderIfNoneMatch), f.etag) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	head.SetContentType(f.kind)
	body := f.plain
	if acceptsGzip(c.Get(fiber.HeaderAcceptEncoding)) {
		if z := f.zipped(); len(z) > 0 && len(z) < len(body) {
			head.Set(fiber.HeaderContentEncoding, "gzip")
			body = z
		}
	}
	c.Response().SetBodyRaw(body)
	return nil
}

// acceptsGzip reads Accept-Encoding; only a q of 0 refuses.
func acceptsGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		coding, params, _ := strings.Cut(part, ";")
		if c := strings.TrimSpace(coding); !strings.EqualFold(c, "gzip") && c != "*" {
			continue
		}
		q, weighed := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		return !weighed || strings.Trim(q, "0.") != ""
	}
	return false
}
