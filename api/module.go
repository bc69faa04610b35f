package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// putModule takes an upload: 201 for a new version, 200 for the bytes of the
// newest one again.
func (s *Server) putModule(c *fiber.Ctx) error {
	namespace, err := namespaceOf(c)
	if err != nil {
		return err
	}
	name, err := nameOf(c, "module", isName)
	if err != nil {
		return err
	}
	release, err := s.upload()
	if err != nil {
		return err
	}
	defer release()
	in, err := s.stream(c, s.cfg.Limits.Module, wire.TypeWasm)
	if err != nil {
		return s.moduleTooLarge(err)
	}
	defer in.close()
	ctx, cancel := context.WithTimeout(s.running, s.cfg.Timeouts.Upload)
	defer cancel()
	m, err := s.node.Accept(ctx, namespace, name, in)
	if err != nil {
		return s.moduleTooLarge(err)
	}
	if err := s.checkTasks(&m); err != nil {
		return err
	}
	m.Name, m.Version = name, 0
	put, err := putOf(namespace, &m)
	if err != nil {
		return err
	}
	r, index, err := s.propose(c, ctx, put)
	if err != nil {
		return err
	}
	s.caughtUp(ctx, index)
	if d, ok := s.node.Document(command.KindModule, namespace, name, r.Version); ok {
		if m, err = moduleOf(&d); err != nil {
			return err
		}
	}
	m.Version = r.Version
	status := fiber.StatusOK
	if r.Created {
		status = fiber.StatusCreated
	}
	return sendJSON(c, status, &m)
}

// moduleTooLarge says of a body that is too large what its owner can do.
func (s *Server) moduleTooLarge(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Code != wire.CodeTooLarge {
		return err
	}
	return refuse(wire.CodeTooLarge, "a module may have %d MiB here. Strip its debug information (Go: -ldflags='-s -w'; C: -s; Rust: strip = true; any: wasm-strip), give what it has embedded to its tasks as input, or start windrowd with a larger --max-module", s.cfg.Limits.Module>>20)
}

// upload takes one of the places for large uploads, or waits for one.
func (s *Server) upload() (release func(), err error) {
	ctx, cancel := s.context()
	defer cancel()
	select {
	case s.uploads <- struct{}{}:
		return func() { <-s.uploads }, nil
	case <-ctx.Done():
		return nil, refuse(wire.CodeBusy, "the node takes %d uploads at a time; try again in a moment", cap(s.uploads))
	}
}

func putOf(namespace string, m *wire.Module) (*command.PutDocument, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write module document: %w", err)
	}
	put := &command.PutDocument{Kind: command.KindModule, Namespace: namespace, Name: m.Name, Digest: m.Digest, Body: body, Blobs: []string{m.Digest}}
	for _, t := range m.Tasks {
		put.Attributes.Tasks = append(put.Attributes.Tasks, t.Name)
	}
	slices.Sort(put.Attributes.Tasks)
	return put, nil
}

// moduleOf reads a module's document.
func moduleOf(d *command.Document) (wire.Module, error) {
	var m wire.Module
	if err := json.Unmarshal(d.Body, &m); err != nil {
		return m, fmt.Errorf("read document of module %s version %d: %w", d.Name, d.Version, err)
	}
	m.Name, m.Version, m.Digest, m.Live, m.CreatedAt = d.Name, d.Version, d.Digest, d.Live, wire.At(d.CreatedAt)
	if m.Tasks == nil {
		m.Tasks = []wire.ModuleTask{}
	}
	if m.Workflows == nil {
		m.Workflows = []wire.ModuleWorkflow{}
	}
	return m, nil
}

// listModules shows the newest version of each module, by name.
func (s *Server) listModules(c *fiber.Ctx) error {
	namespace, err := namespaceOf(c)
	if err != nil {
		return err
	}
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	after, err := cursorOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Stale); err != nil {
		return err
	}
	docs := s.node.Documents(command.KindModule, namespace, after, limit+1)
	list := wire.List[wire.Module]{Items: []wire.Module{}}
	for i := range docs {
		if i == limit {
			list.NextCursor = cursor(docs[i-1].Name)
			break
		}
		m, err := moduleOf(&docs[i])
		if err != nil {
			return err
		}
		list.Items = append(list.Items, m)
	}
	return sendJSON(c, fiber.StatusOK, &list)
}

// moduleAsked finds the version that path and ?version= name.
func (s *Server) moduleAsked(c *fiber.Ctx, ctx context.Context) (command.Document, error) {
	var none command.Document
	namespace, err := namespaceOf(c)
	if err != nil {
		return none, err
	}
	name, err := nameOf(c, "module", isName)
	if err != nil {
		return none, err
	}
	version, err := versionOf(c)
	if err != nil {
		return none, err
	}
	if err := s.sync(c, ctx, Linearizable); err != nil {
		return none, err
	}
	d, ok := s.node.Document(command.KindModule, namespace, name, version)
	if !ok && version == 0 {
		return none, refuse(wire.CodeModuleNotFound, "no module %q is in namespace %q; upload it with PUT /v1/modules/%s", name, namespace, name)
	}
	if !ok {
		return none, refuse(wire.CodeModuleNotFound, "module %q in namespace %q has no version %d; GET /v1/modules/%s lists its versions", name, namespace, version, name)
	}
	return d, nil
}

// getModule shows one version, and which versions there are.
func (s *Server) getModule(c *fiber.Ctx) error {
	ctx, cancel := s.context()
	defer cancel()
	d, err := s.moduleAsked(c, ctx)
	if err != nil {
		return err
	}
	m, err := moduleOf(&d)
	if err != nil {
		return err
	}
	for _, v := range s.node.Versions(command.KindModule, d.Namespace, d.Name) {
		m.Versions = append(m.Versions, v.Version)
	}
	return sendJSON(c, fiber.StatusOK, &m)
}

// getWasm gives the bytes as they were uploaded.
func (s *Server) getWasm(c *fiber.Ctx) error {
	ctx, cancel := s.context()
	defer cancel()
	d, err := s.moduleAsked(c, ctx)
	if err != nil {
		return err
	}
	return s.sendBlob(c, ctx, d.Digest, wire.TypeWasm)
}

// deleteModule removes a module, or with ?version= one version of it.
func (s *Server) deleteModule(c *fiber.Ctx) error {
	ctx, cancel := s.context()
	defer cancel()
	d, err := s.moduleAsked(c, ctx)
	if err != nil {
		return err
	}
	version, err := versionOf(c)
	if err != nil {
		return err
	}
	if _, _, err := s.propose(c, ctx, &command.DeleteDocument{Kind: command.KindModule, Namespace: d.Namespace, Name: d.Name, Version: version}); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}
