package fake

import (
	"net/http"
	"slices"

	"github.com/windrow-dev/windrow/sdk/wire"
)

func (s *Server) getCluster(*http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cluster
	c.Index = s.index
	c.Nodes = slices.Clone(c.Nodes)
	for i := range c.Nodes {
		c.Nodes[i].Index = s.index
	}
	return http.StatusOK, c, nil
}

func (s *Server) listWorkers(r *http.Request) (int, any, error) {
	return page(r, []wire.Worker{{ID: "fake-1", Session: "1-0", Queues: []string{}, Labels: []string{},
		Concurrency: 8, State: "ready", ConnectedAt: now()}})
}

func (s *Server) join(r *http.Request) (int, any, error) {
	var j wire.Join
	if err := readBody(r, &j); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	if j.Role == "" {
		j.Role = "all"
	}
	s.cluster.Nodes = append(slices.DeleteFunc(s.cluster.Nodes, func(n wire.Node) bool { return n.ID == j.ID }),
		wire.Node{ID: j.ID, Role: j.Role, State: "follower", Voter: j.Role != "worker", HTTPAddr: j.HTTPAddr, RaftAddr: j.RaftAddr})
	s.change()
	s.mu.Unlock()
	return s.getCluster(r)
}

// node finds a member. The lock is held.
func (s *Server) node(id string) (int, error) {
	i := slices.IndexFunc(s.cluster.Nodes, func(n wire.Node) bool { return n.ID == id })
	if i < 0 {
		return 0, refuse(404, wire.CodeNotFound, "there is no node "+id)
	}
	return i, nil
}

func (s *Server) transfer(r *http.Request) (int, any, error) {
	var t wire.Transfer
	if err := readBody(r, &t); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	to := len(s.cluster.Nodes) - 1
	if t.To != "" {
		var err error
		if to, err = s.node(t.To); err != nil {
			return 0, nil, err
		}
	}
	for i := range s.cluster.Nodes {
		s.cluster.Nodes[i].State = "follower"
	}
	s.cluster.Nodes[to].State = "leader"
	s.cluster.Leader = s.cluster.Nodes[to].ID
	s.cluster.Term++
	s.change()
	return http.StatusNoContent, nil, nil
}

func (s *Server) removeNode(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.node(r.PathValue("name"))
	if err != nil {
		return 0, nil, err
	}
	s.cluster.Nodes = slices.Delete(s.cluster.Nodes, i, i+1)
	s.change()
	return http.StatusNoContent, nil, nil
}
