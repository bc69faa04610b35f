package wire

// Worker is one worker's open session.
type Worker struct {
	ID          string   `json:"id"` // its node's id
	Session     string   `json:"session"`
	Queues      []string `json:"queues"` // empty: all
	Labels      []string `json:"labels"`
	Concurrency uint32   `json:"concurrency"` // attempts alive at once
	Prefetch    uint32   `json:"prefetch"`
	Outstanding uint32   `json:"outstanding"` // assigned and not ended
	// Limit bounds its concurrency, 0 for what it was started with.
	Limit uint32 `json:"limit,omitempty"`
	// Drained says that it gets nothing new until it is resumed.
	Drained     bool   `json:"drained,omitempty"`
	State       string `json:"state"` // "ready", "silent", "draining" or "drained"
	ConnectedAt Time   `json:"connected_at"`
}

// WorkerLimit is the body of POST /v1/workers/{id}/concurrency.
type WorkerLimit struct {
	Limit *uint32 `json:"limit"` // 0 lifts it
}

// Cluster is who belongs to it and who leads.
type Cluster struct {
	Leader string `json:"leader"` // a node's id; empty while there is none
	Term   uint64 `json:"term"`
	Index  uint64 `json:"index"` // applied by the node that answers
	Node   string `json:"node"`  // the id of the node that answers
	Nodes  []Node `json:"nodes"`
}

// Node is one member.
type Node struct {
	ID       string `json:"id"`
	Role     string `json:"role"`  // "server" or "worker"; "all" is both
	State    string `json:"state"` // "leader", "follower", "joining", "unreachable", "left"
	Voter    bool   `json:"voter"`
	HTTPAddr string `json:"http_addr"`
	RaftAddr string `json:"raft_addr"`
	Version  string `json:"version,omitempty"`
	Index    uint64 `json:"index,omitempty"` // what it has applied, as far as known
}

// Join is the body of POST /v1/cluster/join.
type Join struct {
	ID       string `json:"id"`
	HTTPAddr string `json:"http_addr"`
	RaftAddr string `json:"raft_addr"`
	Role     string `json:"role,omitempty"`
	Version  string `json:"version,omitempty"`
}

// Transfer is the body of POST /v1/cluster/transfer; without To the leader
// picks its successor.
type Transfer struct {
	To string `json:"to,omitempty"`
}

// Blob answers PUT /v1/blobs/{digest}.
type Blob struct {
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
}
