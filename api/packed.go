package api

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/api/msgpack"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// packedTypes are the names that MessagePack goes by, the registered one first.
var packedTypes = []string{wire.TypeMsgpack, "application/msgpack", "application/x-msgpack"}

// orPacked adds to a route's types those of MessagePack.
func orPacked(types ...string) []string { return slices.Concat(types, packedTypes) }

// The types of the bodies that calls come in.
var (
	callTypes  = orPacked(wire.TypeJSON)
	batchTypes = orPacked(wire.TypeNDJSON, "application/ndjson", "application/jsonl", wire.TypeJSON)
)

// isPacked tells whether a body that is typed is MessagePack.
func isPacked(c *fiber.Ctx) bool {
	media, _, _ := strings.Cut(string(c.Request().Header.ContentType()), ";")
	media = strings.TrimSpace(media)
	return slices.ContainsFunc(packedTypes, func(t string) bool { return strings.EqualFold(media, t) })
}

// unpacked is a packed body as JSON, limit bytes of it at most.
type unpacked struct {
	in    *msgpack.Reader
	left  int64
	limit int64
}

func unpack(r io.Reader, limit int64) io.Reader {
	return &unpacked{in: msgpack.NewReader(r), left: limit, limit: limit}
}

// Read implements io.Reader.
func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.in.Read(p)
	if int64(n) > u.left {
		return 0, refuse(wire.CodeTooLarge, "the body may have %d bytes, written as JSON; send less", u.limit)
	}
	u.left -= int64(n)
	if broken := (*msgpack.Error)(nil); errors.As(err, &broken) {
		return n, refuse(wire.CodeBadRequest, "the body is no MessagePack that could be JSON: %v", broken)
	}
	return n, err
}
