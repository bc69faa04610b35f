package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

type object = map[string]any

// contract is the document of a real node, with what a test needs to drive the
// node by it.
type contract struct {
	t    *testing.T
	node *testnode.Node
	doc  object
	http *http.Client
	rand *rand.Rand

	// compiled are schemas by their text. Objects are closed, so that an
	// undocumented field is found.
	compiled map[string]*jsonschema.Schema

	id      string         // of the node
	ids     []string       // of tasks that exist
	waiting []string       // of tasks that wait for their time
	runs    []string       // of runs that exist
	good    map[string]int // 2xx answers by operation
	sent    int
}

// refuser is a loader that opens nothing.
type refuser struct{}

func (refuser) Load(url string) (any, error) { return nil, fmt.Errorf("%s is not opened", url) }

// operation is one of the document's.
type operation struct {
	id, method, path string
	def              object
}

// TestContract drives every operation of a node by its own description: no
// answer may have a status, content type, field or problem code that is not
// documented, none may be a 5xx, and what the description forbids must be
// refused.
func TestContract(t *testing.T) {
	c := newContract(t)
	ops := c.operations()
	const rounds = 12
	for round := range rounds {
		for _, op := range ops {
			c.valid(op, round)
		}
	}
	for _, op := range ops {
		c.invalid(op)
	}
	c.events()
	for _, op := range ops {
		if c.good[op.id] == 0 && !lonely[op.id] {
			t.Errorf("%s never answered 2xx", op.id)
		}
	}
	c.elsewhere()
	t.Logf("%d requests to %d operations", c.sent, len(ops))
}

// lonely are operations that a single node has nothing to do for.
var lonely = map[string]bool{"post_cluster_join": true, "post_cluster_transfer": true, "delete_cluster_nodes_id": true}

func newContract(t *testing.T) *contract {
	t.Helper()
	n := testnode.Start(t)
	client := n.Client()
	testnode.Push(t, client, guests.Echo, guests.Sleep)
	c := &contract{t: t, node: n, http: &http.Client{Timeout: 20 * time.Second}, rand: rand.New(rand.NewPCG(1, 2)),
		compiled: map[string]*jsonschema.Schema{}, good: map[string]int{}}
	t.Cleanup(c.http.CloseIdleConnections)
	cluster, err := client.Cluster(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	c.id = cluster.Node
	for _, call := range []windrow.Call{{Task: "echo.main", Input: json.RawMessage(`{"a":[1]}`), Labels: map[string]string{"a": "b"}}, {Task: "echo.main", Args: json.RawMessage(`[1]`)}} {
		task, err := client.SubmitWait(context.Background(), call)
		if err != nil {
			t.Fatal(err)
		}
		c.ids = append(c.ids, task.ID)
	}
	later := windrow.Call{Task: "echo.main", Countdown: windrow.After(time.Hour)}
	steered := later
	steered.Queue = "steered" // nobody purges it
	for range 2 {
		run, err := client.Canvas(context.Background(), windrow.Canvas{Call: &steered})
		if err != nil {
			t.Fatal(err)
		}
		c.runs = append(c.runs, run.ID)
	}
	waiting, err := client.SubmitBatch(context.Background(), slices.Repeat([]windrow.Call{later}, 12))
	if err != nil {
		t.Fatal(err)
	}
	c.waiting = waiting
	n.Do("PUT", "/v1/schedules/nightly", strings.NewReader(`{"every":"1s","task":"echo.main","input":1}`), "Content-Type: application/json")
	n.Do("PUT", "/v1/pools/database", strings.NewReader(`{"slots":3}`), "Content-Type: application/json")
	resp, err := c.http.Get(n.URL() + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	doc, err := jsonschema.UnmarshalJSON(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	c.doc = doc.(object)
	for _, s := range c.doc["components"].(object)["schemas"].(object) {
		if s := s.(object); s["properties"] != nil && s["additionalProperties"] == nil {
			s["additionalProperties"] = false
		}
	}
	return c
}

func (c *contract) operations() []operation {
	var ops []operation
	for path, item := range c.doc["paths"].(object) {
		for method, def := range item.(object) {
			ops = append(ops, operation{def.(object)["operationId"].(string), strings.ToUpper(method), path, def.(object)})
		}
	}
	// Reads come before writes, and what removes comes last.
	order := []string{"GET", "PUT", "POST", "DELETE"}
	slices.SortFunc(ops, func(a, b operation) int {
		if d := slices.Index(order, a.method) - slices.Index(order, b.method); d != 0 {
			return d
		}
		return strings.Compare(a.path, b.path)
	})
	return ops
}

// follow resolves references within the document.
func (c *contract) follow(v any) object {
	s, _ := v.(object)
	for s["$ref"] != nil {
		var at any = c.doc
		for token := range strings.SplitSeq(strings.TrimPrefix(s["$ref"].(string), "#/"), "/") {
			at = at.(object)[token]
		}
		s = at.(object)
	}
	return s
}

// check compiles a schema that stands somewhere in the document.
func (c *contract) check(schema any) *jsonschema.Schema {
	c.t.Helper()
	text, err := json.Marshal(schema)
	if err != nil {
		c.t.Fatal(err)
	}
	if s := c.compiled[string(text)]; s != nil {
		return s
	}
	// Each goes into a document of its own that has the same components.
	name := fmt.Sprintf("mem:///%d.json", len(c.compiled))
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(refuser{})
	compiler.AssertFormat()
	if err := compiler.AddResource(name, object{"components": c.doc["components"], "x-check": schema}); err != nil {
		c.t.Fatal(err)
	}
	s, err := compiler.Compile(name + "#/x-check")
	if err != nil {
		c.t.Fatalf("%s: %v", text, err)
	}
	c.compiled[string(text)] = s
	return s
}

// request is one to be sent.
type request struct {
	path, query url.Values
	header      http.Header
	contentType string
	body        []byte
}

// known are values that mean something on this node, or that keep a test from
// waiting, by parameter and by field.
func (c *contract) known(op operation, name string) []any {
	switch name {
	case "wait":
		return []any{"1ms", "0.01"}
	case "follow":
		return []any{"false", "0"}
	case "min_index":
		return []any{json.Number("0"), json.Number("1")}
	case "Last-Event-ID", "after":
		return []any{"1-0"}
	case "id":
		if strings.Contains(op.path, "nodes") {
			return []any{"nobody"}
		}
		if list := c.idsFor(op); len(list) > 0 {
			return []any{list[c.rand.IntN(len(list))]}
		}
		return []any{c.ids[c.rand.IntN(len(c.ids))]}
	case "name":
		if strings.Contains(op.path, "modules") && op.method != "GET" {
			return []any{"other"}
		}
		if strings.Contains(op.path, "webhooks") {
			if op.method == "DELETE" {
				return []any{"hook", "other"}
			}
			return []any{"hook"}
		}
	case "raft_addr", "http_addr":
		return []any{"127.0.0.1:1"}
	case "to":
		return []any{"nobody"}
	case "task":
		if op.id == "post_tasks_revoke" { // what waits is others' to steer
			return []any{"none.main"}
		}
		return []any{"echo.main", "sleep.main", "echo.none", "none.main"}
	case "idempotency_key", "Idempotency-Key":
		return []any{"a", "b", strconv.Itoa(c.rand.Int())}
	case "unique_key", "fairness_key":
		return []any{"a", strconv.Itoa(c.rand.Int())}
	}
	return nil
}

// idsFor are those that an operation most likely has an answer for.
func (c *contract) idsFor(op operation) []string {
	switch {
	case strings.HasSuffix(op.path, "/runs/{id}/cancel"):
		return c.runs[1:2] // the first is to be paused and resumed
	case strings.HasSuffix(op.path, "/runs/{id}/pause"), strings.HasSuffix(op.path, "/runs/{id}/resume"):
		return c.runs[:1]
	case strings.Contains(op.path, "/runs/"):
		return c.runs
	case strings.Contains(op.path, "/workers/"):
		return []string{c.id}
	case op.id == "post_tasks_id_revoke":
		return c.waiting
	}
	return nil
}

// value makes a value that a schema allows.
func (c *contract) value(op operation, name string, schema any, depth int) any {
	if known := c.known(op, name); known != nil {
		return known[c.rand.IntN(len(known))]
	}
	s := c.follow(schema)
	for _, key := range []string{"enum", "examples"} {
		if list, ok := s[key].([]any); ok && (key == "enum" || c.rand.IntN(3) > 0 || s["pattern"] != nil) {
			return list[c.rand.IntN(len(list))]
		}
	}
	if forms, ok := s["anyOf"].([]any); ok {
		return c.value(op, name, forms[c.rand.IntN(len(forms))], depth)
	}
	kind, _ := s["type"].(string)
	if kinds, ok := s["type"].([]any); ok {
		kind = kinds[c.rand.IntN(len(kinds))].(string)
	}
	switch kind {
	case "null":
		return nil
	case "boolean":
		return c.rand.IntN(2) == 0
	case "integer", "number":
		return c.number(s)
	case "string":
		return c.text(s)
	case "array":
		list := []any{}
		for range c.rand.IntN(3) + number(s["minItems"], 0) {
			if depth < 3 {
				list = append(list, c.value(op, "", s["items"], depth+1))
			}
		}
		return list
	case "object":
		return c.object(op, s, depth)
	}
	return []any{nil, true, json.Number("1.5"), "text", []any{}, object{"a": nil}}[c.rand.IntN(6)]
}

func number(v any, usual int) int {
	if n, ok := v.(json.Number); ok {
		f, _ := n.Float64()
		return int(f)
	}
	return usual
}

func (c *contract) number(s object) any {
	lowest, highest := number(s["minimum"], 0), number(s["maximum"], 1000)
	pick := []int{lowest, highest, lowest + c.rand.IntN(max(min(highest-lowest, 100), 1))}
	return json.Number(strconv.Itoa(pick[c.rand.IntN(len(pick))]))
}

func (c *contract) text(s object) string {
	switch {
	case s["format"] == "uuid":
		return c.ids[c.rand.IntN(len(c.ids))]
	case s["format"] == "date-time":
		return time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	case s["pattern"] == "^sha256:[0-9a-f]{64}$":
		return digest([]byte("kept"))
	case s["pattern"] != nil:
		return "abc"
	}
	return []string{"a", "äöü", "x y", strings.Repeat("z", min(number(s["maxLength"], 300), 300))}[c.rand.IntN(4)]
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (c *contract) object(op operation, s object, depth int) any {
	out := object{}
	required, _ := s["required"].([]any)
	properties, _ := s["properties"].(object)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		// Few at a time, so that most combinations make sense.
		if slices.Contains(required, any(name)) || depth < 2 && c.rand.IntN(6) == 0 {
			out[name] = c.value(op, name, properties[name], depth+1)
		}
	}
	if more, ok := s["additionalProperties"].(object); ok {
		out["key"] = c.value(op, "", more, depth+1)
	}
	return out
}

// request makes one that the document allows; in the first round the plainest.
func (c *contract) request(op operation, round int) *request {
	r := &request{path: url.Values{}, query: url.Values{}, header: http.Header{}}
	params, _ := op.def["parameters"].([]any)
	for _, p := range params {
		p := c.follow(p)
		name, in := p["name"].(string), p["in"].(string)
		if in != "path" && (round == 0 || c.rand.IntN(4) > 0) {
			continue
		}
		c.set(r, in, name, plain(c.value(op, name, p["schema"], 0)))
	}
	content := c.content(op)
	if len(content) == 0 {
		return r
	}
	types := slices.DeleteFunc(slices.Sorted(maps.Keys(content)), func(s string) bool {
		return strings.Contains(s, "msgpack") // what is made here is JSON
	})
	r.contentType = types[round%len(types)]
	media := content[r.contentType].(object)
	switch {
	case r.contentType == "application/wasm" && strings.Contains(op.path, "modules"):
		r.body = guests.Wasm([]string{guests.Noop, guests.Counter}[c.rand.IntN(2)])
	case strings.Contains(op.path, "blobs"):
		r.body = []byte(strconv.Itoa(c.rand.Int()))
		if round == 0 {
			r.body = []byte("kept")
		}
		r.path.Set("digest", digest(r.body))
	case op.id == "post_canvas" && round%2 == 1: // one that goes on while it is steered
		r.body = []byte(`{"chain":[{"task":"sleep.main","input":2000},{"task":"echo.main"}]}`)
	case media["x-line"] != nil:
		for range 1 + c.rand.IntN(3) {
			r.body = append(append(r.body, encode(c.value(op, "", media["x-line"], 0))...), '\n')
		}
	case round < 2 && media["example"] != nil && !strings.Contains(op.path, "join"): // which would be dialed
		r.body = encode(media["example"])
	default:
		r.body = encode(c.value(op, "", media["schema"], 0))
	}
	return r
}

func (c *contract) content(op operation) object {
	body, _ := op.def["requestBody"].(object)
	content, _ := body["content"].(object)
	return content
}

func (c *contract) set(r *request, in, name, value string) {
	switch in {
	case "path":
		r.path.Set(name, value)
	case "query":
		r.query.Set(name, value)
	default:
		r.header.Set(name, value)
	}
}

func plain(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(encode(v))
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// send sends and holds the answer to the document; it gives the status.
func (c *contract) send(op operation, r *request) int {
	c.t.Helper()
	path := op.path
	for name := range r.path {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(r.path.Get(name)))
	}
	if len(r.query) > 0 {
		path += "?" + r.query.Encode()
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, op.method, c.node.URL()+path, bytes.NewReader(r.body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = r.header.Clone()
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", op.method, path, err)
	}
	defer resp.Body.Close()
	c.sent++
	told := fmt.Sprintf("%s %s %v %.300q", op.method, path, r.header, r.body)
	if err := c.judge(op, resp); err != nil {
		c.t.Errorf("%s: answered %d: %v", told, resp.StatusCode, err)
	}
	if resp.StatusCode < 300 {
		c.good[op.id]++
	}
	return resp.StatusCode
}

// judge says what of an answer is not as documented.
func (c *contract) judge(op operation, resp *http.Response) error {
	if resp.StatusCode >= 500 {
		b, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("a server error: %s", b)
	}
	def := c.follow(op.def["responses"].(object)[strconv.Itoa(resp.StatusCode)])
	if def == nil {
		b, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("the status is not documented: %.300s", b)
	}
	if _, err := strconv.ParseUint(resp.Header.Get("X-Windrow-Index"), 10, 64); err != nil {
		return fmt.Errorf("X-Windrow-Index: %w", err)
	}
	content, _ := def["content"].(object)
	given := resp.Header.Get("Content-Type")
	if len(content) == 0 {
		b, err := io.ReadAll(resp.Body)
		if err == nil && len(b) > 0 {
			err = fmt.Errorf("a body where none is documented: %.300s", b)
		}
		return err
	}
	media, ok := content[given].(object)
	if !ok {
		return fmt.Errorf("the content type %q is not documented", given)
	}
	kind, _, err := mime.ParseMediaType(given)
	if err != nil || kind != "application/json" && kind != "application/problem+json" {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(resp.Body)
	if err != nil {
		return err
	}
	if err := c.check(media["schema"]).Validate(v); err != nil {
		return fmt.Errorf("%.500s: %w", encode(v), err)
	}
	at, ok := v.(object)
	switch {
	case !ok || at["id"] == nil:
	case op.id == "post_tasks" && len(c.ids) < 50:
		c.ids = append(c.ids, at["id"].(string))
	case op.id == "post_canvas" && len(c.runs) < 50:
		c.runs = append(c.runs, at["id"].(string))
	}
	return nil
}

func (c *contract) valid(op operation, round int) {
	c.t.Helper()
	c.send(op, c.request(op, round))
}

// wrongs are values of every kind; those that a schema does not allow must be
// refused.
var wrongs = []any{true, json.Number("-1"), json.Number("1.5"), json.Number("1e30"), "§ no", object{}, object{"§": json.Number("1")}, []any{}, []any{object{}},
	[]any{json.Number("1")}, strings.Repeat("x", 2000), nil}

// invalid breaks one thing at a time.
func (c *contract) invalid(op operation) {
	c.t.Helper()
	refused := func(what string, r *request) {
		c.t.Helper()
		if status := c.send(op, r); status < 400 {
			c.t.Errorf("%s: %s was answered by %d: %v %.300q", op.id, what, status, r.query, r.body)
		}
	}
	params, _ := op.def["parameters"].([]any)
	for _, p := range params {
		p := c.follow(p)
		for _, bad := range []any{"§ no", "-1", "1.5", "99999999999999999999", strings.Repeat("x", 2000)} {
			if c.allows(p["schema"], bad.(string)) {
				continue
			}
			r := c.request(op, 0)
			c.set(r, p["in"].(string), p["name"].(string), bad.(string))
			refused(p["name"].(string), r)
		}
	}
	if len(c.content(op)) == 0 {
		return
	}
	r := c.request(op, 0)
	r.contentType = "text/plain"
	refused("a text", r)
	media, ok := c.content(op)["application/json"].(object)
	if !ok || c.content(op)["application/wasm"] != nil {
		r := c.request(op, 0)
		r.body = []byte("nonsense")
		refused("nonsense", r)
		return
	}
	for _, body := range c.broken(op, media) {
		r := c.request(op, 0)
		r.contentType, r.body = "application/json", body
		refused("the body", r)
	}
}

// allows tells whether a parameter may have a text.
func (c *contract) allows(schema any, text string) bool {
	var v any = text
	if c.follow(schema)["type"] == "integer" {
		v = json.Number(text)
	}
	return c.check(schema).Validate(v) == nil
}

// broken makes bodies that the document does not allow.
func (c *contract) broken(op operation, media object) [][]byte {
	bodies := [][]byte{[]byte("{"), []byte("nonsense"), []byte(`{"a":1}x`), []byte(`"text"`), []byte("\xff")}
	s := c.follow(media["schema"])
	wrap := func(v object) any { return v }
	if s["type"] == "array" {
		s = c.follow(s["items"])
		wrap = func(v object) any { return []any{v} }
	}
	base := func() object {
		out := object{}
		required, _ := s["required"].([]any)
		for _, name := range required {
			out[name.(string)] = c.value(op, name.(string), s["properties"].(object)[name.(string)], 1)
		}
		return out
	}
	with := base()
	with["no_such_field"] = true
	bodies = append(bodies, encode(wrap(with)))
	properties, _ := s["properties"].(object)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		without := base()
		if _, ok := without[name]; ok {
			delete(without, name)
			bodies = append(bodies, encode(wrap(without)))
		}
		for _, v := range wrongs {
			if c.check(properties[name]).Validate(v) != nil {
				with := base()
				with[name] = v
				bodies = append(bodies, encode(wrap(with)))
			}
		}
	}
	return bodies
}

// events holds a stream to the document.
func (c *contract) events() {
	c.t.Helper()
	req, err := http.NewRequest("GET", c.node.URL()+"/v1/events?after=1-0", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	media := c.doc["paths"].(object)["/v1/events"].(object)["get"].(object)["responses"].(object)["200"].(object)["content"].(object)["text/event-stream"].(object)
	lines := bufio.NewScanner(resp.Body)
	for seen := 0; seen < 20 && lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok || strings.HasPrefix(data, `{"after"`) {
			continue
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(data))
		if err == nil {
			err = c.check(media["x-event-data"]).Validate(v)
		}
		if err != nil {
			c.t.Errorf("event %s: %v", data, err)
		}
		seen++
	}
	if err := lines.Err(); err != nil {
		c.t.Error(err)
	}
}

// elsewhere asks what no operation answers.
func (c *contract) elsewhere() {
	c.t.Helper()
	for _, ask := range []struct {
		method, path string
		status       int
		code         string
	}{{"GET", "/v1/nothing", 404, "no_route"}, {"PATCH", "/v1/tasks", 405, "method_not_allowed"}, {"TRACE", "/v1/tasks", 405, "method_not_allowed"}} {
		a := c.node.Do(ask.method, ask.path, nil)
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.Body))
		if err == nil {
			err = c.check(object{"$ref": "#/components/schemas/Problem"}).Validate(v)
		}
		if a.Status != ask.status || a.Problem.Code != ask.code || err != nil {
			c.t.Errorf("%s %s: %d %s, %v", ask.method, ask.path, a.Status, a.Body, err)
		}
	}
	for path, item := range c.doc["paths"].(object) {
		if item.(object)["get"] == nil || strings.Contains(path, "{") || path == "/v1/events" {
			continue
		}
		if a := c.node.Do("HEAD", path, nil); a.Status != 200 || len(a.Body) > 0 {
			c.t.Errorf("HEAD %s: %d %.100s", path, a.Status, a.Body)
		}
	}
}
