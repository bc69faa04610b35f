package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/windrow-dev/windrow/sdk/wire"
)

func poolCommand(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "pool",
		Short:   "Bound how many tasks run together, over the whole cluster",
		Example: "  windrow pool set database --slots 8\n  windrow task run report --pool database",
	})
	cmd.AddCommand(poolList(a), poolShow(a), poolSet(a), poolRemove(a))
	return cmd
}

func poolList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List pools and their use",
		Example: "  windrow pool list",
		Args:    want(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			t := newTable("NAME", ">SLOTS", ">USED", ">WAITING")
			return showList(a, c.Pools(cmd.Context()), 0, t, func(p wire.Pool) []string {
				return []string{p.Name, fmt.Sprint(p.Slots), fmt.Sprint(p.Used), count(p.Waiting)}
			})
		},
	}
}

func poolFields(f *fields, p *wire.Pool) {
	f.add("Name", p.Name)
	f.add("Slots", fmt.Sprint(p.Slots))
	f.add("Used", fmt.Sprint(p.Used))
	f.add("Waiting", count(p.Waiting))
}

func poolShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "show POOL",
		Short:             "Show a pool",
		Example:           "  windrow pool show database",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(poolNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			p, err := c.Pool(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.show(p, func(f *fields) { poolFields(f, p) })
		},
	}
}

func poolSet(a *app) *cobra.Command {
	var slots uint32
	cmd := &cobra.Command{
		Use:               "set POOL --slots N",
		Short:             "Make a pool, or change its slots",
		Example:           "  windrow pool set database --slots 8",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(poolNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("slots") {
				return usagef("how many slots? Give --slots N")
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			p, err := c.SetPool(cmd.Context(), args[0], slots)
			if err != nil {
				return err
			}
			return a.say(p, "pool %s has %s slots, %d of them in use", p.Name, strconv.FormatUint(uint64(p.Slots), 10), p.Used)
		},
	}
	cmd.Flags().Uint32Var(&slots, "slots", 0, "its tasks share `N` slots")
	return cmd
}

func poolRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "remove POOL",
		Short:             "Remove a pool",
		Example:           "  windrow pool remove database",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(poolNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if err := c.RemovePool(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.removed(args[0], "pool "+args[0])
		},
	}
}
