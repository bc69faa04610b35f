package cluster

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/hashicorp/raft"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/peer"
)

// Config says what a node is made of. Folder, Net, Shard and Log are required;
// whoever opened Folder and Net closes them, after the node.
type Config struct {
	Folder *Folder
	Net    *peer.Net
	Shard  Shard
	Log    *slog.Logger

	// RaftAddr is where other nodes reach this one; empty is where Net listens.
	RaftAddr string
	// HTTPAddr and Role are told to the other members.
	HTTPAddr string
	Role     string
	// Version is the newest machine version this node supports.
	Version uint32

	// Join lists nodes of the cluster to join, or with BootstrapExpect of the
	// one to found: Raft addresses, or whatever Resolve turns into one.
	Join []string
	// BootstrapExpect is with how many servers to found a cluster; 0 is one,
	// unless Join is given.
	BootstrapExpect int
	// Resolve turns an element of Join into a Raft address.
	Resolve func(ctx context.Context, target string) (string, error)
	// Ready must hold before this node asks to vote; nil is always.
	Ready func() bool
	// Check judges each command that another node has the leader propose, since
	// what is in the log is in it for good: one whose result is not command.OK
	// stays out, and its proposer is given that result. Nil lets all in.
	Check func(cmd []byte) command.Result
	// NoSpace is told that the log could not be written for want of space, as
	// often as it happens; it must not block. Nil is nobody.
	NoSpace func()
	// ClockJumped is told when the machine's time of a leader has jumped
	// forward; it must not block. Nil is nobody.
	ClockJumped func()

	// Tuning; zero is the default.
	SnapshotBytes int64 // log bytes between snapshots, 16 MiB
	TrailingBytes int64 // log bytes kept for followers that lag, 64 MiB
	CacheBytes    int   // newest log entries in memory, 32 MiB
	SegmentBytes  int   // of a file of the log, 64 MiB

	// Tests set these.
	clocks        func() reading
	wrapLog       func(node string, log raft.LogStore) raft.LogStore
	diskLimit     time.Duration
	commitTimeout time.Duration
}

// Raft's times. A leader that hears nothing from a majority for the lease
// steps down before the others elect another. With 250 ms three idle nodes on
// two cores that others kept busy (load 10 to 18) changed their leader about
// once a minute for nothing; fail-over stays below a second and a half.
const (
	heartbeatTimeout = 350 * time.Millisecond
	electionTimeout  = 350 * time.Millisecond
	leaseTimeout     = 250 * time.Millisecond
	commitTimeout    = 50 * time.Millisecond
	// appendEntries bounds one request to a follower to 4 MiB.
	appendEntries = 16
	// raftTimeout bounds one exchange between Rafts; a snapshot gets as much
	// for every snapshotScale bytes.
	raftTimeout   = 3 * time.Second
	snapshotScale = 256 << 10
)

func (c *Config) defaults() error {
	if c.Folder == nil || c.Net == nil || c.Shard == nil || c.Log == nil {
		return errors.New("cluster: Folder, Net, Shard and Log are required")
	}
	if c.BootstrapExpect > 1 && len(c.Join) == 0 {
		return errors.New("--bootstrap-expect needs the other servers in --join")
	}
	if c.RaftAddr == "" {
		c.RaftAddr = c.Net.Addr().String()
	}
	if c.Ready == nil {
		c.Ready = func() bool { return true }
	}
	if c.Check == nil {
		c.Check = func([]byte) command.Result { return command.Result{} }
	}
	if c.NoSpace == nil {
		c.NoSpace = func() {}
	}
	if c.ClockJumped == nil {
		c.ClockJumped = func() {}
	}
	if c.clocks == nil {
		c.clocks = readClocks
	}
	if c.diskLimit == 0 {
		c.diskLimit = diskLimit
	}
	if c.commitTimeout == 0 {
		c.commitTimeout = commitTimeout
	}
	for _, d := range []struct {
		value *int64
		def   int64
	}{{&c.SnapshotBytes, 16 << 20}, {&c.TrailingBytes, 64 << 20}} {
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = 32 << 20
	}
	if c.SegmentBytes == 0 {
		c.SegmentBytes = 64 << 20
	}
	return nil
}
