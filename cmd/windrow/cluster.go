package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func clusterCommand(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "cluster",
		Short:   "Look after the cluster's nodes",
		Example: "  windrow cluster status\n  windrow cluster transfer node-2",
	})
	cmd.AddCommand(clusterStatus(a), clusterJoin(a), clusterRemove(a), clusterTransfer(a), clusterWorkers(a))
	return cmd
}

func clusterStatus(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Show the nodes, the leader and how far each one is",
		Example: "  windrow cluster status\n  windrow cluster status -o json",
		Args:    want(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			s, err := c.Cluster(cmd.Context())
			if err != nil {
				return err
			}
			return a.showCluster(s)
		},
	}
}

func (a *app) showCluster(s *windrow.Cluster) error {
	if a.json() {
		return a.printJSON(s)
	}
	leader := s.Leader
	if leader == "" {
		leader = "none at present"
	}
	fmt.Fprintf(a.out, "Leader %s, term %d, index %d; answered by %s\n\n", clean(leader), s.Term, s.Index, clean(s.Node))
	t := newTable("NODE", "ROLE", "STATE", "VOTES", "HTTP", "RAFT", ">INDEX", "VERSION")
	for _, n := range s.Nodes {
		votes, index := "no", ""
		if n.Voter {
			votes = "yes"
		}
		if n.Index > 0 {
			index = fmt.Sprint(n.Index)
		}
		t.row(n.ID, n.Role, n.State, votes, n.HTTPAddr, n.RaftAddr, index, n.Version)
	}
	return t.write(a.out, a.terminal)
}

func clusterJoin(a *app) *cobra.Command {
	var node windrow.Join
	cmd := &cobra.Command{
		Use:   "join NODE --http-addr HOST:PORT --raft-addr HOST:PORT",
		Short: "Make a node a member by hand",
		Long: `Make a node a member. A node that is started with windrowd --join does this by
itself; by hand it is of use after an address has changed.`,
		Example: "  windrow cluster join node-3 --http-addr 10.0.0.3:8080 --raft-addr 10.0.0.3:8090",
		Args:    want(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			node.ID = args[0]
			if node.HTTPAddr == "" || node.RaftAddr == "" {
				return usagef("a node needs --http-addr and --raft-addr; or start it with windrowd --join %s", a.firstServer())
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			s, err := c.JoinNode(cmd.Context(), node)
			if err != nil {
				return err
			}
			return a.showCluster(s)
		},
	}
	f := cmd.Flags()
	f.StringVar(&node.HTTPAddr, "http-addr", "", "`HOST:PORT` at which the others reach its HTTP server")
	f.StringVar(&node.RaftAddr, "raft-addr", "", "`HOST:PORT` at which the others reach its Raft")
	f.StringVar(&node.Role, "role", "", "`ROLE`: all, server or worker (default all)")
	complete(cmd, "role", "all", "server", "worker")
	return cmd
}

func (a *app) firstServer() string {
	if len(a.servers) > 0 {
		return a.servers[0]
	}
	return windrow.DefaultServer
}

func clusterRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "remove NODE",
		Short:             "Take a node out of the cluster for good",
		Example:           "  windrow cluster remove node-3",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(nodeIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if err := c.RemoveNode(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.removed(args[0], "node "+args[0])
		},
	}
}

func clusterTransfer(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "transfer [NODE]",
		Short:             "Hand the lead to a node, or to the one that fits best",
		Example:           "  windrow cluster transfer\n  windrow cluster transfer node-2",
		Args:              want(0, 1),
		ValidArgsFunction: a.completeFirst(nodeIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if err := c.TransferLeader(cmd.Context(), strings.Join(args, "")); err != nil {
				return err
			}
			s, err := c.Cluster(cmd.Context())
			if err != nil {
				return err
			}
			return a.showCluster(s)
		},
	}
}

func clusterWorkers(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "workers",
		Short:   "List the workers and what they are at",
		Example: "  windrow cluster workers",
		Args:    want(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			t := newTable("NODE", "STATE", ">BUSY", ">CONCURRENCY", ">PREFETCH", "QUEUES", "LABELS", "CONNECTED")
			return showList(a, c.Workers(cmd.Context()), 0, t, func(w wire.Worker) []string {
				queues := strings.Join(w.Queues, ",")
				if queues == "" {
					queues = "all"
				}
				return []string{w.ID, w.State, fmt.Sprint(w.Outstanding), fmt.Sprint(w.Concurrency), fmt.Sprint(w.Prefetch),
					queues, strings.Join(w.Labels, ","), ago(a.now(), w.ConnectedAt.Time)}
			})
		},
	}
}
