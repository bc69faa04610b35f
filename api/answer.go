package api

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// tellIndex sets the header that every answer carries, to what the node has
// applied if the index is 0 and the header not set yet.
func (s *Server) tellIndex(c *fiber.Ctx, index uint64) {
	head := &c.Response().Header
	if index == 0 {
		if len(head.Peek(wire.HeaderIndex)) > 0 {
			return
		}
		index = s.node.Index()
	}
	var b [20]byte
	head.SetBytesV(wire.HeaderIndex, strconv.AppendUint(b[:0], index, 10))
}

// send answers with JSON that is already written and not used again.
func send(c *fiber.Ctx, status int, body []byte) error {
	c.Status(status)
	c.Response().Header.SetContentType(wire.TypeJSON)
	c.Response().SetBodyRaw(body)
	return nil
}

// sendJSON answers with a value.
func sendJSON(c *fiber.Ctx, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return send(c, status, b)
}

// appendString writes a JSON string.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f || c == '<' || c == '>' || c == '&' {
			b, err := json.Marshal(s)
			if err != nil { // a string always has a JSON form
				b = []byte(`""`)
			}
			return append(dst, b...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// appendTime writes a JSON time of unix nanoseconds.
func appendTime(dst []byte, t int64) []byte {
	dst = append(dst, '"')
	dst = wire.AppendTime(dst, t)
	return append(dst, '"')
}
