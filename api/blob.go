package api

import (
	"context"
	"errors"
	"net/url"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func digestOf(c *fiber.Ctx) (string, error) {
	digest, err := url.PathUnescape(c.Params("digest"))
	if err != nil || !isDigest(digest) {
		return "", refuse(wire.CodeBadRequest, `%q is no digest; it is "sha256:" and 64 lower-case hexadecimal digits`, clip(c.Params("digest")))
	}
	return digest, nil
}

// putBlob keeps a large value: 201 once a majority of servers has it. What
// nothing refers to within an hour is removed again.
func (s *Server) putBlob(c *fiber.Ctx) error {
	digest, err := digestOf(c)
	if err != nil {
		return err
	}
	release, err := s.upload()
	if err != nil {
		return err
	}
	defer release()
	in, err := s.stream(c, s.cfg.Limits.Value, wire.TypeBinary, wire.TypeJSON, wire.TypeWasm)
	if err != nil {
		return err
	}
	defer in.close()
	ctx, cancel := context.WithTimeout(s.running, s.cfg.Timeouts.Upload)
	defer cancel()
	got, size, err := s.node.Put(ctx, in, digest)
	if errors.Is(err, ErrDigest) {
		return refuse(wire.CodeDigestMismatch, "the bytes that came are not those of %s; send them again, or use their own digest", digest)
	}
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusCreated, &wire.Blob{Digest: got, Size: size})
}

// getBlob gives a large value.
func (s *Server) getBlob(c *fiber.Ctx) error {
	digest, err := digestOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	return s.sendBlob(c, ctx, digest, wire.TypeBinary)
}

func (s *Server) sendBlob(c *fiber.Ctx, ctx context.Context, digest, contentType string) error {
	f, size, err := s.node.Open(ctx, digest)
	if errors.Is(err, ErrNotFound) {
		return refuse(wire.CodeNotFound, "no server has the blob %s; it never was, or nothing refers to it any more", digest)
	}
	if err != nil {
		return err
	}
	c.Response().Header.Set(fiber.HeaderETag, `"`+digest+`"`)
	// An uploaded value must never be run by a browser as if it were a page.
	c.Response().Header.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Response().Header.Set(fiber.HeaderContentDisposition, "attachment")
	return stream(c, contentType, f, size, func() { _ = f.Close() })
}
