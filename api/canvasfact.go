package api

import (
	"github.com/windrow-dev/windrow/api/openapi"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// canvasSchema is what reflection cannot see: one of several kinds, told by
// their fields.
func canvasSchema() *openapi.Schema {
	list := &openapi.Schema{Type: "array", Items: openapi.RefTo("Canvas"), MaxItems: wire.MaxCanvas}
	atLeastOne := *list
	atLeastOne.MinItems = 1
	members := func(s ...openapi.Member[*openapi.Schema]) openapi.Members[*openapi.Schema] { return s }
	one := func(name string, s *openapi.Schema) openapi.Member[*openapi.Schema] {
		return openapi.Member[*openapi.Schema]{Name: name, Value: s}
	}
	object := func(required []string, properties openapi.Members[*openapi.Schema]) *openapi.Schema {
		return &openapi.Schema{Type: "object", Additional: false, Required: required, Properties: properties}
	}
	items, lists := &openapi.Schema{Type: "array", MaxItems: wire.MaxCanvas}, &openapi.Schema{Type: "array", MaxItems: wire.MaxCanvas, Items: &openapi.Schema{Type: "array"}}
	size := whole(1, wire.MaxCanvas, nil)
	links := &openapi.Schema{Type: []string{"array", "null"}, Items: openapi.RefTo("Canvas"), MaxItems: 1000}
	labels := &openapi.Schema{Type: []string{"object", "null"}, MaxMembers: 64, Additional: &openapi.Schema{Type: "string", MaxLength: maxLabel}}
	kinds := []*openapi.Schema{openapi.RefTo("Call")}
	for _, k := range members(one("chain", &atLeastOne), one("group", list),
		one("chord", object([]string{"header", "body"}, members(one("header", list), one("body", openapi.RefTo("Canvas"))))),
		one("map", object([]string{"task", "items"}, members(one("task", openapi.RefTo("Call")), one("items", items)))),
		one("starmap", object([]string{"task", "items"}, members(one("task", openapi.RefTo("Call")), one("items", lists)))),
		one("chunks", object([]string{"task", "items", "size"}, members(one("task", openapi.RefTo("Call")), one("items", lists), one("size", size))))) {
		kinds = append(kinds, object([]string{k.Name}, members(k, one("link", links), one("link_error", links), one("labels", labels))))
	}
	return &openapi.Schema{AnyOf: kinds, Examples: []any{obj{"chain": []any{obj{"task": "etl.load", "args": []any{}}, obj{"task": "etl.report"}}}}}
}
