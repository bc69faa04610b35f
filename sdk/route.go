package windrow

import (
	"context"
	"net/http"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// Route gives options to calls by the name of their task.
type Route = wire.Route

// Routes lists the namespace's routes in their order.
func (c *Client) Routes(ctx context.Context) ([]Route, error) {
	out, err := exchange[wire.Routes](ctx, c, http.MethodGet, "/routes", nil)
	if err != nil {
		return nil, err
	}
	return out.Routes, nil
}

// SetRoutes puts routes in place of those before. The first whose pattern fits a
// task's name holds for calls that say nothing themselves, nor their module.
func (c *Client) SetRoutes(ctx context.Context, routes []Route) ([]Route, error) {
	if routes == nil {
		routes = []Route{}
	}
	out, err := exchange[wire.Routes](ctx, c, http.MethodPut, "/routes", wire.Routes{Routes: routes})
	if err != nil {
		return nil, err
	}
	return out.Routes, nil
}
