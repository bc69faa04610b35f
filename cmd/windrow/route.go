package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func routeCommand(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "route",
		Short: "Give options to calls by the names of their tasks",
		Long: "Give options to calls by the names of their tasks. Of the routes the first whose\npattern fits holds, for what neither the call nor the module's defaults say.\n" +
			"In a pattern * is any text, ? one character, [a-z] one of a range.",
		Example: "  windrow route set 'etl.*' --queue heavy\n  windrow route list",
	})
	cmd.AddCommand(routeList(a), routeSet(a), routeRemove(a))
	return cmd
}

func routeList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the routes in their order",
		Example: "  windrow route list",
		Args:    want(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			routes, err := c.Routes(cmd.Context())
			if err != nil {
				return err
			}
			return a.showRoutes(routes)
		},
	}
}

func (a *app) showRoutes(routes []windrow.Route) error {
	if a.json() {
		return a.printJSON(wire.Routes{Routes: routes})
	}
	t := newTable("MATCH", "QUEUE", ">PRIORITY", "OTHERS")
	for i := range routes {
		r := &routes[i]
		priority := ""
		if r.Priority != nil {
			priority = fmt.Sprint(*r.Priority)
		}
		t.row(r.Match, r.Queue, priority, strings.Join(otherOptions(r), " "))
	}
	return t.write(a.out, a.terminal)
}

// otherOptions tells what a route gives beside queue and priority.
func otherOptions(r *windrow.Route) []string {
	var out []string
	add := func(given bool, name string, value any) {
		if given {
			out = append(out, fmt.Sprintf("%s=%v", name, value))
		}
	}
	if r.Timeout != nil {
		add(true, "timeout", *r.Timeout)
	}
	if r.RateLimit != nil {
		add(true, "rate_limit", *r.RateLimit)
	}
	add(r.Pool != "", "pool", r.Pool)
	add(r.Retry != nil, "retry", "…")
	add(r.SoftTimeout != nil, "soft_timeout", "…")
	add(r.Memory != nil, "memory", "…")
	add(r.ResultTTL != nil, "result_ttl", "…")
	add(r.MaxDeliveries != nil, "max_deliveries", "…")
	add(len(r.Labels) > 0, "labels", "…")
	return out
}

// routeFlags are what `route set` can give.
type routeFlags struct {
	queue, timeout, rate, pool string
	priority                   int
	first                      bool
}

func (f *routeFlags) route(match string, set *pflag.FlagSet) (windrow.Route, error) {
	r := windrow.Route{Match: match, Queue: f.queue, Pool: f.pool}
	if set.Changed("priority") {
		r.Priority = &f.priority
	}
	p := &flagParser{}
	r.Timeout = optional(p, "timeout", f.timeout, wire.ParseDuration)
	r.RateLimit = optional(p, "rate-limit", f.rate, wire.ParseRate)
	return r, p.err
}

func routeSet(a *app) *cobra.Command {
	var f routeFlags
	cmd := &cobra.Command{
		Use:     "set PATTERN",
		Short:   "Add a route behind the others, or change the one of this pattern",
		Example: "  windrow route set 'etl.*' --queue heavy --priority 3\n  windrow route set etl.ping --queue fast --first",
		Args:    want(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			route, err := f.route(args[0], cmd.Flags())
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			routes, err := c.Routes(cmd.Context())
			if err != nil {
				return err
			}
			at := slices.IndexFunc(routes, func(r windrow.Route) bool { return r.Match == route.Match })
			switch {
			case f.first:
				routes = slices.DeleteFunc(routes, func(r windrow.Route) bool { return r.Match == route.Match })
				routes = slices.Insert(routes, 0, route)
			case at >= 0:
				routes[at] = route
			default:
				routes = append(routes, route)
			}
			if routes, err = c.SetRoutes(cmd.Context(), routes); err != nil {
				return err
			}
			return a.showRoutes(routes)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.queue, "queue", "", "`QUEUE` of the calls")
	fl.IntVar(&f.priority, "priority", 5, "`0-9`, 9 first")
	fl.StringVar(&f.timeout, "timeout", "", "limit of one attempt, a `DURATION`")
	fl.StringVar(&f.rate, "rate-limit", "", "`RATE` of each task's starts over the cluster, such as 10/s")
	fl.StringVar(&f.pool, "pool", "", "`POOL` whose slots they take")
	fl.BoolVar(&f.first, "first", false, "put it before the others")
	a.completeFlag(cmd, "queue", queueNames)
	a.completeFlag(cmd, "pool", poolNames)
	return cmd
}

func routeRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "remove PATTERN",
		Short:   "Remove a route",
		Example: "  windrow route remove 'etl.*'",
		Args:    want(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			routes, err := c.Routes(cmd.Context())
			if err != nil {
				return err
			}
			left := slices.DeleteFunc(slices.Clone(routes), func(r windrow.Route) bool { return r.Match == args[0] })
			if len(left) == len(routes) {
				return usagef("there is no route for %s; `windrow route list` shows those that are", quote(args[0]))
			}
			if _, err := c.SetRoutes(cmd.Context(), left); err != nil {
				return err
			}
			return a.removed(args[0], "route "+args[0])
		},
	}
}
