package api

import (
	"fmt"
	"reflect"

	"github.com/windrow-dev/windrow/api/openapi"
	"github.com/windrow-dev/windrow/sdk/wire"
	"github.com/windrow-dev/windrow/workflow/calendar"
)

// scheduleSchema is a definition's: the fields of a call stand beside its own.
func scheduleSchema(f openapi.Facts) (*openapi.Schema, error) {
	call := &openapi.Schemas{Facts: f}
	if _, err := call.Of(reflect.TypeFor[wire.Call]()); err != nil {
		return nil, fmt.Errorf("fields of a call: %w", err)
	}
	moment := openapi.RefTo("Time")
	list := &openapi.Schema{Type: "array", Items: moment, MinItems: 1, MaxItems: calendar.MaxTimes}
	choice := func(usual string, names ...string) *openapi.Schema {
		s := usually(usual, names...)
		s.Type = "string"
		return s
	}
	s := &openapi.Schema{Type: "object", Additional: false, AnyOf: []*openapi.Schema{{Required: []string{"task"}}, {Required: []string{"canvas"}}}}
	for _, p := range []openapi.Member[*openapi.Schema]{
		{Name: "cron", Value: text("", "0 9 * * mon-fri", "@daily")},
		{Name: "days", Value: choice("either", "either", "both")},
		{Name: "every", Value: openapi.RefTo("Duration")},
		{Name: "at", Value: &openapi.Schema{AnyOf: []*openapi.Schema{moment, list}}},
		{Name: "solar", Value: solarSchema()},
		{Name: "next", Value: openapi.RefTo("Call")},
		{Name: "timezone", Value: text("", "Europe/Berlin")},
		{Name: "start", Value: moment}, {Name: "end", Value: moment},
		{Name: "jitter", Value: openapi.RefTo("Duration")},
		{Name: "overlap", Value: choice("allow", "allow", "skip", "buffer", "cancel")},
		{Name: "misfire", Value: choice("once", "once", "skip", "all")},
		{Name: "misfire_grace", Value: openapi.RefTo("Duration")},
		{Name: "catchup", Value: &openapi.Schema{Type: "boolean"}},
		{Name: "canvas", Value: openapi.RefTo("Canvas")},
	} {
		s.Properties.Add(p.Name, p.Value)
	}
	fields, _ := call.List.Get("Call")
	for _, p := range fields.Properties {
		if p.Name != "idempotency_key" {
			s.Properties.Add(p.Name, p.Value)
		}
	}
	return s, nil
}

func solarSchema() *openapi.Schema {
	events := openapi.Texts(calendar.Events...)
	events.Type = "string"
	latitude, longitude := within(-90, 90, nil), within(-180, 180, nil)
	latitude.Type, longitude.Type = "number", "number"
	return &openapi.Schema{Type: "object", Additional: false, Required: []string{"event", "latitude", "longitude"}, Properties: openapi.Members[*openapi.Schema]{
		{Name: "event", Value: events}, {Name: "latitude", Value: latitude}, {Name: "longitude", Value: longitude}}}
}
