package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// Error is a refusal that the client may read: its code is one of the table
// below, its detail says what to do.
type Error struct {
	Code   string
	Detail string
	Field  string // path of the field at fault
	Line   int    // of a batch, from 1
	ID     string // the task that a duplicate met
}

// Error gives the detail.
func (e *Error) Error() string { return e.Code + ": " + e.Detail }

// refuse makes an Error.
func refuse(code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// kind is what a code means in HTTP.
type kind struct {
	status int
	title  string
}

// kinds is the one table of codes. Codes of the state machine keep their
// names.
var kinds = map[string]kind{
	wire.CodeBadRequest:       {400, "The request cannot be understood"},
	wire.CodeInvalidJSON:      {400, "The body is not valid JSON"},
	wire.CodeInvalidField:     {400, "A field is wrong"},
	wire.CodeDigestMismatch:   {400, "The bytes have another digest"},
	wire.CodeUnauthorized:     {401, "A token is needed"},
	wire.CodeForbiddenOrigin:  {403, "The request comes from another site"},
	wire.CodeForbiddenHost:    {403, "The Host header is not this node"},
	wire.CodeNotFound:         {404, "Not found"},
	wire.CodeNoRoute:          {404, "No such route"},
	wire.CodeModuleNotFound:   {404, "The module does not exist"},
	wire.CodeTaskNotFound:     {404, "The module has no such task"},
	wire.CodePoolNotFound:     {404, "The pool does not exist"},
	wire.CodeMethodNotAllowed: {405, "The route has no such method"},
	wire.CodeTimeout:          {408, "The request took too long"},
	wire.CodeModuleInUse:      {409, "The module is in use"},
	wire.CodeIdempotency:      {409, "The idempotency key belongs to another request"},
	wire.CodeDuplicate:        {409, "An unfinished task has this unique key"},
	wire.CodeThrottled:        {409, "Another call was taken lately"},
	wire.CodePoolTooSmall:     {409, "The pool is too small"},
	wire.CodeTooManyQueues:    {409, "There are too many queues"},
	wire.CodeTooManySchedules: {409, "There are too many schedules"},
	wire.CodeTooManyWebhooks:  {409, "There are too many webhooks"},
	wire.CodeNoSecretsKey:     {422, "The node has no key for secrets"},
	wire.CodeAlreadyEnded:     {409, "It has ended already"},
	wire.CodeRunning:          {409, "It is running"},
	wire.CodeConflict:         {409, "It conflicts with the present state"},
	"exists":                  {409, "It exists already"},
	"stage_expired":           {409, "The batch took too long to arrive"},
	"session_ended":           {409, "The worker's session has ended"},
	"version":                 {409, "The cluster runs another version"},
	wire.CodeTooLarge:         {413, "Too large"},
	wire.CodeUnsupportedType:  {415, "The content type is not accepted"},
	wire.CodeInvalidModule:    {422, "The module cannot be used"},
	wire.CodeUnsupported:      {422, "Not supported by this version"},
	wire.CodeIdempotencyFull:  {429, "Too many idempotency keys are known"},
	wire.CodeThrottleFull:     {429, "Too many throttle keys are known"},
	wire.CodeHeaderTooLarge:   {431, "The header is too large"},
	wire.CodeInternal:         {500, "Internal error"},
	wire.CodeBusy:             {503, "The node is busy"},
	wire.CodeNoLeader:         {503, "The cluster has no leader at the moment"},
	wire.CodeUnknownOutcome:   {504, "The outcome is unknown"},
	wire.CodeDiskFull:         {507, "The disk is full"},
}

// problemOf turns any error into what the client sees. What is not made for
// the client's eyes becomes an internal error without any text of its own.
func problemOf(err error) wire.Problem {
	e := asError(err)
	k, ok := kinds[e.Code]
	if !ok {
		k = kind{500, "Internal error"}
	}
	return wire.Problem{Title: k.title, Status: k.status, Detail: e.Detail, Code: e.Code, Field: e.Field, Line: e.Line, ID: e.ID}
}

// Problem is what the client of a server sees of an error, for nodes that
// answer in a server's place.
func Problem(err error) wire.Problem { return problemOf(err) }

func asError(err error) *Error {
	var own *Error
	var field *wire.FieldError
	var syntax *wire.SyntaxError
	var line *wire.LineError
	var http *fiber.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &line):
		e := *asError(line.Err)
		e.Line = line.Line
		e.Detail = fmt.Sprintf("call %d: %s", line.Line, e.Detail)
		return &e
	case errors.As(err, &field):
		return &Error{Code: wire.CodeInvalidField, Detail: field.Error(), Field: field.Field}
	case errors.As(err, &syntax):
		return &Error{Code: wire.CodeInvalidJSON, Detail: syntax.Error()}
	case errors.As(err, &http):
		return ofFiber(http)
	}
	return ofNode(err)
}

func ofNode(err error) *Error {
	switch {
	case errors.Is(err, ErrUnknownOutcome):
		return refuse(wire.CodeUnknownOutcome, "the request may or may not have taken effect; repeat it with the same Idempotency-Key, or look whether it did")
	case errors.Is(err, ErrNoLeader):
		return refuse(wire.CodeNoLeader, "nothing was done; try again in a moment, and see GET /v1/cluster if it lasts")
	case errors.Is(err, ErrDiskFull):
		return refuse(wire.CodeDiskFull, "nothing was done; free space on the disk of the data folder of the node that was asked, and try again")
	case errors.Is(err, ErrBusy):
		return refuse(wire.CodeBusy, "nothing was done; try again in a moment, or send less at once")
	case errors.Is(err, ErrNotFound):
		return refuse(wire.CodeNotFound, "what was named does not exist")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return refuse(wire.CodeBusy, "the node could not answer in time, or is going down; try again, or ask another node")
	}
	return &Error{Code: wire.CodeInternal}
}

// ofFiber names what Fiber and fasthttp refuse on their own.
func ofFiber(e *fiber.Error) *Error {
	switch e.Code {
	case fiber.StatusNotFound:
		return refuse(wire.CodeNoRoute, "no route has this path; the API is under /v1, for instance GET /v1/cluster")
	case fiber.StatusMethodNotAllowed:
		return refuse(wire.CodeMethodNotAllowed, "the Allow header lists the methods of this route")
	case fiber.StatusRequestEntityTooLarge:
		return refuse(wire.CodeTooLarge, "the body is larger than any that is accepted")
	case fiber.StatusRequestHeaderFieldsTooLarge:
		return refuse(wire.CodeHeaderTooLarge, "request line and headers may have %d bytes together", headerLimit)
	case fiber.StatusRequestTimeout, fiber.StatusBadGateway:
		return refuse(wire.CodeTimeout, "the request did not arrive in time; send it at once, or in smaller parts")
	case fiber.StatusInternalServerError:
		return &Error{Code: wire.CodeInternal}
	}
	return refuse(wire.CodeBadRequest, "it is no HTTP/1.1 request that this node understands: check method, path and headers")
}

// refused turns the state machine's refusal into an Error; nil for acceptance.
func refused(r *command.Result) error {
	if r.Code == command.OK {
		return nil
	}
	e := &Error{Code: string(r.Code), Detail: r.Detail}
	if len(r.IDs) > 0 {
		e.ID = r.IDs[0].String()
	}
	return e
}

// fail is Fiber's error handler: every error of every route ends here.
func (s *Server) fail(c *fiber.Ctx, err error) error {
	p := problemOf(err)
	if p.Code == wire.CodeInternal {
		p.Incident = s.incident(c.Method(), c.Path(), err)
		p.Detail = "something went wrong inside the node; its log has the cause under this incident"
	}
	c.Context().Response.ResetBody()
	if p.Status == fiber.StatusUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="windrow"`)
	}
	if p.Status == fiber.StatusServiceUnavailable {
		c.Set(fiber.HeaderRetryAfter, "1")
	}
	body, merr := json.Marshal(p)
	if merr != nil {
		return fmt.Errorf("write problem: %w", merr)
	}
	s.tellIndex(c, 0)
	c.Status(p.Status)
	c.Response().Header.SetContentType(wire.TypeProblem)
	return c.Send(body)
}

// incident logs what the client must not see and returns the name to find it.
func (s *Server) incident(method, path string, err error) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	id := hex.EncodeToString(b[:])
	s.log.Error("request failed", slog.String("incident", id), slog.String("method", method),
		slog.String("path", strconv.Quote(path)), slog.Any("error", err))
	return id
}

// crash is a panic of a handler as an error.
type crash struct {
	value any
	stack []byte
}

func (c *crash) Error() string { return fmt.Sprintf("panic: %v\n%s", c.value, c.stack) }

// catch turns a panic into an internal error. It must be deferred.
func catch(err *error) {
	if v := recover(); v != nil {
		*err = &crash{value: v, stack: debug.Stack()}
	}
}
