package api

import (
	"bytes"
	"net"
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// loopbackOnly holds the rules of a node without authentication: whoever asks
// must name the node by a loopback address, which a web page behind a
// re-bound DNS name does not, and must be no page of another site.
func loopbackOnly(c *fiber.Ctx) error {
	head := &c.Request().Header
	host := head.Host()
	if !loopbackHost(string(host)) || !loopbackHost(string(c.Request().URI().Host())) {
		return refuse(wire.CodeForbiddenHost, "without authentication a node answers only to localhost, 127.0.0.1 or [::1]; use that address, or start it with --auth token")
	}
	if origin := head.Peek(fiber.HeaderOrigin); len(origin) > 0 && !ownOrigin(origin, host) {
		return refuse(wire.CodeForbiddenOrigin, "without authentication a node refuses web pages of other sites; ask it from its own page or from a program, or start it with --auth token")
	}
	switch site := string(head.Peek("Sec-Fetch-Site")); site {
	case "", "same-origin", "none":
		return nil
	}
	return refuse(wire.CodeForbiddenOrigin, "without authentication a node refuses requests that a browser makes for another site")
}

// loopbackHost judges a Host header, with or without a port.
func loopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

func ownOrigin(origin, host []byte) bool {
	for _, scheme := range [...]string{"http://", "https://"} {
		if rest, ok := bytes.CutPrefix(origin, []byte(scheme)); ok && bytes.EqualFold(rest, host) {
			return true
		}
	}
	return false
}

// typed refuses a body of another content type than the given ones. A page of
// another site can send forms and text without asking, but none of these.
func typed(c *fiber.Ctx, types ...string) error {
	given := string(c.Request().Header.ContentType())
	media, _, _ := strings.Cut(given, ";")
	media = strings.TrimSpace(media)
	for _, t := range types {
		if strings.EqualFold(media, t) {
			return nil
		}
	}
	if given == "" {
		given = "none"
	}
	return refuse(wire.CodeUnsupportedType, "send the header Content-Type: %s; it was %q", strings.Join(types, " or "), given)
}
