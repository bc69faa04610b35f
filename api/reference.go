package api

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/api/openapi"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// Codes of problems that come with what a route does.
var (
	anyCodes   = []string{wire.CodeBadRequest, wire.CodeUnauthorized, wire.CodeForbiddenHost, wire.CodeForbiddenOrigin, wire.CodeTimeout, wire.CodeHeaderTooLarge, wire.CodeTooLarge, wire.CodeInternal, wire.CodeBusy}
	bodyCodes  = []string{wire.CodeUnsupportedType}
	jsonCodes  = []string{wire.CodeInvalidJSON, wire.CodeInvalidField}
	readCodes  = []string{wire.CodeNoLeader}
	writeCodes = []string{wire.CodeNoLeader, wire.CodeUnknownOutcome, wire.CodeDiskFull}
)

var problemType, nothingType = reflect.TypeFor[wire.Problem](), reflect.TypeFor[struct{}]()

const about = `Windrow runs tasks that are WebAssembly modules. Every route answers on every node.

- **Errors** are RFC 9457 problems (application/problem+json): a stable code, a detail that says what to do, and where one field is at fault its path. A path that is no route answers 404 no_route, a method that a path lacks 405 method_not_allowed.
- **Lists** take limit and cursor; next_cursor leads on. A page may be short, even empty, while next_cursor is set.
- **Repeats**: every POST takes Idempotency-Key. For 24 hours the same key and body get the same answer, marked by Idempotency-Replayed.
- **Index**: every answer says in X-Windrow-Index what it has seen; given back as ?min_index= it makes any node wait for as much.
- **Durations** are strings such as "250ms", "30s", "24h", or a number of seconds; sizes "64MiB" or a number of bytes; times RFC 3339.
- **Fields** that are unknown are refused in requests; answers may gain fields. In a request null is as if nothing was given, but for input.
- Bodies may come with Content-Encoding gzip or zstd. Every GET route answers HEAD, too.`

// reference is the OpenAPI document of the table.
func reference() ([]byte, error) {
	f, err := facts()
	if err != nil {
		return nil, err
	}
	schemas := &openapi.Schemas{Facts: f}
	d := openapi.Document{
		OpenAPI: openapi.Version, Info: openapi.Info{Title: "Windrow", Version: "v1", Description: about},
		Security: []map[string][]string{{}, {"token": {}}},
	}
	for _, t := range tagged {
		d.Tags = append(d.Tags, openapi.Tag{Name: t.name, Description: t.about})
	}
	var problems openapi.Members[*openapi.Response]
	for i := range table {
		op, err := table[i].operation(schemas, &problems)
		if err != nil {
			return nil, fmt.Errorf("document %s %s: %w", table[i].method, table[i].path, err)
		}
		path, _ := pathParams(table[i].path)
		p, ok := d.Paths.Get(path)
		if !ok {
			p = &openapi.Path{}
			d.Paths.Add(path, p)
		}
		p.Operations.Add(strings.ToLower(table[i].method), op)
	}
	schemas.List.Sort()
	problems.Sort()
	d.Components = openapi.Components{Schemas: schemas.List, Parameters: parameters(), Responses: problems,
		Headers: openapi.Members[*openapi.Header]{
			{Name: "Index", Value: &openapi.Header{Description: "The place in the log that the answer has seen.", Schema: whole(0, 1<<53, nil)}},
			{Name: "Replayed", Value: &openapi.Header{Description: "true where an earlier request with the same Idempotency-Key answers.", Schema: openapi.Texts("true")}},
		},
		SecuritySchemes: openapi.Members[*openapi.Security]{{Name: "token", Value: &openapi.Security{Type: "http", Scheme: "bearer",
			Description: "Needed by a node that was started with --auth token."}}},
	}
	return d.JSON()
}

func (r *route) operation(schemas *openapi.Schemas, problems *openapi.Members[*openapi.Response]) (*openapi.Operation, error) {
	path, names := pathParams(r.path)
	op := &openapi.Operation{ID: r.id(path), Tags: []string{r.tag}, Summary: r.summary, Description: r.about}
	if r.traits&open != 0 {
		op.Security = &[]map[string][]string{}
	}
	for _, name := range append(names, r.paramNames()...) {
		op.Parameters = append(op.Parameters, &openapi.Parameter{Ref: "#/components/parameters/" + name})
	}
	if r.body != nil {
		content, err := r.body.media(schemas)
		if err != nil {
			return nil, err
		}
		op.Body = &openapi.Body{Required: !r.body.optional, Content: content}
	}
	headers := openapi.Members[*openapi.Header]{{Name: wire.HeaderIndex, Value: &openapi.Header{Ref: "#/components/headers/Index"}}}
	good := headers
	if r.traits&keyed != 0 {
		good = append(good[:1:1], openapi.Member[*openapi.Header]{Name: wire.HeaderReplayed, Value: &openapi.Header{Ref: "#/components/headers/Replayed"}})
	}
	for _, a := range r.answers {
		resp := &openapi.Response{Description: a.about, Headers: good}
		if a.body != nil {
			var err error
			if resp.Content, err = a.body.media(schemas); err != nil {
				return nil, err
			}
			if a.status == 202 && slices.Contains(r.query, "wait") {
				if err := r.unfinished(resp.Content, schemas); err != nil {
					return nil, err
				}
			}
		}
		op.Responses.Add(strconv.Itoa(a.status), resp)
	}
	if _, err := schemas.Of(problemType); err != nil {
		return nil, err
	}
	r.problems(op, headers, problems)
	return op, nil
}

// unfinished adds to the answer that work was accepted what it is when the time
// of ?wait= is over: the work as it stands, in the form of the answer that it
// has ended.
func (r *route) unfinished(accepted openapi.Members[*openapi.Media], schemas *openapi.Schemas) error {
	for _, a := range r.answers {
		if a.status != 200 {
			continue
		}
		whole, err := a.body.schema(schemas)
		if err != nil {
			return err
		}
		for _, m := range accepted {
			m.Value.Schema = &openapi.Schema{AnyOf: []*openapi.Schema{m.Value.Schema, whole}}
		}
	}
	return nil
}

// id is a name for generated clients, such as post_tasks_id_revoke.
func (r *route) id(path string) string {
	words := strings.FieldsFunc(strings.TrimPrefix(path, "/v1"), func(c rune) bool { return c == '/' || c == '{' || c == '}' || c == '.' })
	return strings.Join(append([]string{strings.ToLower(r.method)}, words...), "_")
}

func (r *route) paramNames() []string {
	names := slices.Clone(r.query)
	if r.traits&paged != 0 {
		names = append(names, "limit", "cursor")
	}
	if r.traits&keyed != 0 {
		names = append(names, "idempotency")
	}
	if r.traits&spaced != 0 {
		names = append(names, "namespace", "header")
	}
	return names
}

// problems are grouped by status, with the codes that may come; each such group
// stands in the components once.
func (r *route) problems(op *openapi.Operation, headers openapi.Members[*openapi.Header], all *openapi.Members[*openapi.Response]) {
	for list := r.problemCodes(); len(list) > 0; {
		status, n := kinds[list[0]].status, 0
		for n < len(list) && kinds[list[n]].status == status {
			n++
		}
		name := strconv.Itoa(status) + "." + strings.Join(list[:n], ".")
		if _, ok := all.Get(name); !ok {
			code := openapi.Members[*openapi.Schema]{{Name: "code", Value: openapi.Texts(list[:n]...)}}
			schema := &openapi.Schema{AllOf: []*openapi.Schema{openapi.RefTo("Problem"), {Properties: code}}}
			all.Add(name, &openapi.Response{Description: strings.Join(list[:n], ", "), Headers: headers,
				Content: openapi.Members[*openapi.Media]{{Name: wire.TypeProblem, Value: &openapi.Media{Schema: schema}}}})
		}
		op.Responses.Add(strconv.Itoa(status), &openapi.Response{Ref: "#/components/responses/" + name})
		list = list[n:]
	}
}

// problemCodes are sorted by status.
func (r *route) problemCodes() []string {
	list := slices.Concat(anyCodes, r.codes)
	if r.body != nil {
		list = append(list, bodyCodes...)
		if r.body.json != nil {
			list = append(list, jsonCodes...)
		}
	}
	if r.traits&reads != 0 {
		list = append(list, readCodes...)
	}
	if r.traits&writes != 0 {
		list = append(list, writeCodes...)
	}
	if r.traits&keyed != 0 {
		list = append(list, wire.CodeIdempotency, wire.CodeIdempotencyFull)
	}
	slices.SortFunc(list, func(a, b string) int {
		if d := kinds[a].status - kinds[b].status; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(list)
}

// media writes a body for each of its content types.
func (c *content) media(schemas *openapi.Schemas) (openapi.Members[*openapi.Media], error) {
	var out openapi.Members[*openapi.Media]
	for _, t := range c.types {
		m := &openapi.Media{}
		switch {
		case c.event != nil && t == typeEvents:
			s, err := schemas.Of(c.event)
			if err != nil {
				return nil, err
			}
			m.Schema, m.ItemOf = &openapi.Schema{Type: "string"}, s
		case c.json != nil:
			s, err := c.schema(schemas)
			if err != nil {
				return nil, err
			}
			switch {
			case c.list && t != wire.TypeJSON && !slices.Contains(packedTypes, t):
				m.Schema, m.LineType = &openapi.Schema{Type: "string"}, s
			case c.list:
				m.Schema = &openapi.Schema{Type: "array", Items: s, MinItems: 1, MaxItems: wire.MaxBatch}
				m.Example = c.example
			default:
				m.Schema, m.Example = s, c.example
			}
		case t == wire.TypeJSON:
			m.Schema = &openapi.Schema{}
		default:
			m.Schema = &openapi.Schema{Type: "string"}
		}
		out.Add(t, m)
	}
	return out, nil
}

// schema is that of JSON; a body with nothing to say is an empty object.
func (c *content) schema(schemas *openapi.Schemas) (*openapi.Schema, error) {
	if c.json == nothingType {
		return &openapi.Schema{Type: "object", Additional: false}, nil
	}
	return schemas.Of(c.json)
}

// getReference answers with the document.
func (s *Server) getReference(c *fiber.Ctx) error {
	text, err := s.reference()
	if err != nil {
		return err
	}
	c.Response().Header.Set(fiber.HeaderCacheControl, "no-cache")
	return send(c, fiber.StatusOK, text)
}

//go:embed docs.html
var docsPage []byte

// docsPolicy lets the page run its own script and style and ask its own node,
// nothing else.
var docsPolicy = sync.OnceValue(func() string {
	var policy strings.Builder
	policy.WriteString("default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; img-src data:")
	for _, tag := range [...]string{"script", "style"} {
		m := regexp.MustCompile(`(?s)<` + tag + `>(.*?)</` + tag + `>`).FindSubmatch(docsPage)
		sum := sha256.Sum256(m[1])
		fmt.Fprintf(&policy, "; %s-src 'sha256-%s'", tag, base64.StdEncoding.EncodeToString(sum[:]))
	}
	return policy.String()
})

// getDocs answers with a page that shows the document.
func (s *Server) getDocs(c *fiber.Ctx) error {
	head := &c.Response().Header
	head.SetContentType(typePage)
	head.Set("Content-Security-Policy", docsPolicy())
	head.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	head.Set(fiber.HeaderCacheControl, "no-cache")
	c.Response().SetBodyRaw(docsPage)
	return nil
}
