package windrow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// Module is one version of an uploaded module.
type Module = wire.Module

// PushModule uploads a module's Wasm bytes and returns once it is validated,
// compiled and stored. The same bytes again are the same version; created
// tells whether a new one came to be. Where wasm can seek, as a file can, it is
// streamed; anything else is read into memory first, since an attempt may have
// to be repeated.
func (c *Client) PushModule(ctx context.Context, name string, wasm io.Reader) (m *Module, created bool, err error) {
	body, err := wasmBody(wasm)
	if err != nil {
		return nil, false, err
	}
	m = &Module{}
	r := &request{method: http.MethodPut, path: "/modules/" + escape(name), body: body, slow: true}
	a, err := c.do(ctx, r, m)
	if err != nil {
		return nil, false, err
	}
	return m, a.status == http.StatusCreated, nil
}

// PushModuleFile uploads the module in a file.
func (c *Client) PushModuleFile(ctx context.Context, name, file string) (m *Module, created bool, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	return c.PushModule(ctx, name, f)
}

func wasmBody(wasm io.Reader) (*body, error) {
	s, ok := wasm.(io.ReadSeeker)
	var start, size int64
	var err error
	if ok {
		if start, err = s.Seek(0, io.SeekCurrent); err == nil {
			size, err = s.Seek(0, io.SeekEnd)
		}
		ok = err == nil // a pipe is a file that cannot seek
	}
	if !ok {
		b, err := io.ReadAll(wasm)
		if err != nil {
			return nil, fmt.Errorf("read the module: %w", err)
		}
		return bytesBody(wire.TypeWasm, b), nil
	}
	open := func() (io.ReadCloser, error) {
		if _, err := s.Seek(start, io.SeekStart); err != nil {
			return nil, fmt.Errorf("read the module: %w", err)
		}
		return io.NopCloser(io.LimitReader(s, size-start)), nil
	}
	return &body{open: open, size: size - start, contentType: wire.TypeWasm}, nil
}

// Modules lists the newest version of every module.
func (c *Client) Modules(ctx context.Context) iter.Seq2[Module, error] {
	return list[Module](ctx, c, "/modules", nil)
}

// Module describes a module; version 0 is the newest.
func (c *Client) Module(ctx context.Context, name string, version uint32) (*Module, error) {
	var m Module
	r := &request{method: http.MethodGet, path: "/modules/" + escape(name), query: versionQuery(version)}
	if _, err := c.do(ctx, r, &m); err != nil {
		return nil, err
	}
	return &m, nil
}

// ModuleVersions lists the numbers of a module's versions, ascending.
func (c *Client) ModuleVersions(ctx context.Context, name string) ([]uint32, error) {
	m, err := c.Module(ctx, name, 0)
	if err != nil {
		return nil, err
	}
	return m.Versions, nil
}

// RemoveModule removes one version of a module, or with version 0 all of it.
// It is refused while unfinished tasks need it.
func (c *Client) RemoveModule(ctx context.Context, name string, version uint32) error {
	r := &request{method: http.MethodDelete, path: "/modules/" + escape(name), query: versionQuery(version)}
	_, err := c.do(ctx, r, nil)
	return err
}

// DownloadModule writes a module's Wasm bytes to w and checks them against
// their digest; version 0 is the newest. What has been written is worthless
// where it gives an error.
func (c *Client) DownloadModule(ctx context.Context, name string, version uint32, w io.Writer) (*Module, error) {
	m, err := c.Module(ctx, name, version)
	if err != nil {
		return nil, err
	}
	a, err := c.send(ctx, &request{
		method: http.MethodGet, path: "/modules/" + escape(name) + "/wasm",
		query: versionQuery(m.Version), accept: wire.TypeWasm, stream: true,
	})
	if err != nil {
		return nil, err
	}
	defer a.stream.Close()
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, hash), a.stream); err != nil {
		return nil, fmt.Errorf("download %s: %w", name, err)
	}
	if got := "sha256:" + hex.EncodeToString(hash.Sum(nil)); got != m.Digest {
		return nil, fmt.Errorf("download %s: the bytes have the digest %s instead of %s", name, got, m.Digest)
	}
	return m, nil
}

func versionQuery(version uint32) url.Values {
	if version == 0 {
		return nil
	}
	return url.Values{"version": {strconv.FormatUint(uint64(version), 10)}}
}
