package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/api/ui"
	"github.com/windrow-dev/windrow/cluster"
	"github.com/windrow-dev/windrow/cluster/blob"
	"github.com/windrow-dev/windrow/cluster/journal"
	"github.com/windrow-dev/windrow/cluster/lead"
	"github.com/windrow-dev/windrow/cluster/peer"
	"github.com/windrow-dev/windrow/cluster/replica"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/cluster/store"
	"github.com/windrow-dev/windrow/internal/egress"
	"github.com/windrow-dev/windrow/internal/keyring"
	"github.com/windrow-dev/windrow/internal/metrics"
	"github.com/windrow-dev/windrow/runtime/host"
)

// node is everything that one process runs, introduced to each other. It
// implements api.Node.
type node struct {
	cfg     Config
	log     *slog.Logger
	folder  *cluster.Folder
	net     *peer.Net
	replica *replica.Replica
	cluster *cluster.Node
	blobs   blobs
	modules *modules
	live    *liveLogs
	disk    diskWatch
	journal *journal.Journal
	metrics *metrics.Set
	keys    *keyring.Keyring
	egress  egress.Guard
	servers *servers // of a worker node
	voting  atomic.Pointer[cluster.Node]
	leader  *lead.Leader
	host    *host.Host
	opening chan openedHost
	http    *api.Server
	edge    atomic.Pointer[api.Server] // http, for what may come before it
	broken  chan error                 // what makes the node stop
	closers []closer
	stop    context.CancelFunc
	tasks   sync.WaitGroup
}

// closer is one step of the way down.
type closer struct {
	what  string
	close func(context.Context) error
}

// The whole way down has one deadline, below the 30 s after which supervisors
// kill. Running attempts get most of it, requests a part of the rest.
const (
	closeWithin  = 25 * time.Second
	drainWithin  = 18 * time.Second
	answerWithin = 3 * time.Second
)

// start brings a node up, in the order of what needs what.
func start(ctx context.Context, cfg Config, log *slog.Logger) (n *node, err error) {
	n = &node{cfg: cfg, log: log, broken: make(chan error, 8), live: newLiveLogs()}
	n.metrics = metrics.New(metricSource{n})
	n.disk.look = n.lookAtDisk
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	if err := host.Protect(); err != nil {
		log.Warn("this process can be traced by others of its user", "err", err)
	}
	ctx, n.stop = context.WithCancel(context.WithoutCancel(ctx))
	for _, step := range n.steps() {
		if err := step(ctx); err != nil {
			return n, err
		}
	}
	return n, nil
}

// steps are the parts of the node, by its role.
func (n *node) steps() []func(context.Context) error {
	if n.cfg.Role == roleWorker {
		return []func(context.Context) error{n.openFolder, n.beginHost, n.openNet, n.openServers, n.openBlobs, n.sweepUnused, n.awaitHost, n.openProxy, n.openWorker}
	}
	return []func(context.Context) error{n.openSecrets, n.openFolder, n.beginHost, n.openNet, n.openBlobs, n.openReplica, n.openLeader,
		n.openCluster, n.runLeader, n.sweepBlobs, n.awaitHost, n.openHTTP, n.openWorker}
}

func (n *node) onClose(what string, f func() error) {
	n.onCloseWithin(what, func(context.Context) error { return f() })
}

// onCloseWithin is onClose for what can take long, and stops when ctx ends.
func (n *node) onCloseWithin(what string, f func(context.Context) error) {
	n.closers = append(n.closers, closer{what, f})
}

// close takes the node down in the opposite order.
func (n *node) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	var faults []error
	for i := len(n.closers) - 1; i >= 0; i-- {
		c := n.closers[i]
		if err := c.close(ctx); err != nil {
			faults = append(faults, fmt.Errorf("close %s: %w", c.what, err))
		}
	}
	n.closers = nil
	if n.stop != nil {
		n.stop()
	}
	n.tasks.Wait()
	return errors.Join(faults...)
}

// wait returns when ctx is done, or why the node cannot go on.
func (n *node) wait(ctx context.Context) error {
	var failed <-chan struct{}
	if n.cluster != nil {
		failed = n.cluster.Failed()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.broken:
		return err
	case <-failed:
		return n.cluster.Err()
	}
}

// run keeps a goroutine until the node closes.
func (n *node) run(f func()) {
	n.tasks.Go(f)
}

func (n *node) openFolder(context.Context) (err error) {
	n.folder, err = cluster.OpenFolder(n.cfg.DataDir, n.cfg.NodeID)
	if err != nil {
		return fmt.Errorf("open the data folder %s: %w", n.cfg.DataDir, err)
	}
	n.onClose("data folder", n.folder.Close)
	return nil
}

func (n *node) openNet(context.Context) (err error) {
	n.net, err = peer.Listen(peer.Config{
		Addr: n.cfg.RaftAddr, NodeID: n.folder.NodeID(), Log: n.log, Cluster: n.folder.Cluster,
		TLS: peer.Files{Cert: n.cfg.TLSCert, Key: n.cfg.TLSKey, CA: n.cfg.TLSCA},
	})
	if err != nil {
		return fmt.Errorf("listen for the other nodes (--raft-addr): %w", err)
	}
	n.onClose("node-to-node listener", n.net.Close)
	return nil
}

func (n *node) openBlobs(context.Context) error {
	local, err := blob.OpenStore(n.folder.Path("blobs"))
	if err != nil {
		return err
	}
	most := max(n.cfg.MaxModule, n.cfg.MaxValue)
	peers := &blobPeers{net: n.net, votes: n.votes, others: n.otherServers}
	n.blobs = blobs{Replicator: blob.NewReplicator(local, peers, most, n.log), most: most}
	n.modules = &modules{blobs: n.blobs, limit: n.cfg.MaxModule, known: map[string]*knownModule{}}
	n.net.Handle(blobKind, n.blobs.serve)
	n.net.Handle(logKind, n.serveLog)
	n.onClose("blobs", func() error { n.blobs.Close(); return nil })
	return nil
}

func (n *node) openReplica(context.Context) (err error) {
	// The store tells the journal of its last cut, so it closes first.
	n.onClose("events", func() error {
		if n.journal == nil {
			return nil
		}
		return n.journal.Close()
	})
	n.replica, err = replica.Open(replica.Options{
		Shard: shard, Logger: n.log, Values: n.blobs, MaxValue: n.cfg.MaxValue,
		Store:   store.Options{Dir: n.folder.Path("state"), Logger: n.log, Failed: n.fail},
		Applied: n.applied,
		Loaded:  n.loaded,
		BeforeCut: func() {
			if j := n.journal; j != nil {
				j.Checkpoint()
			}
		},
	})
	if err != nil {
		return fmt.Errorf("open the state: %w", err)
	}
	n.onClose("state", n.replica.Close)
	n.journal, err = journal.Open(journal.Options{Dir: n.folder.Path("events"), Logger: n.log}, n.replica.AppliedIndex())
	return err
}

// loaded hears of a machine that was loaded, at start or from another node.
func (n *node) loaded(index uint64, m *state.Machine) {
	n.blobs.Want(m.Blobs()...)
	if n.journal != nil {
		n.journal.Restart(index)
	}
}

// applied hears of each entry, in the applying goroutine.
func (n *node) applied(index uint64, e *state.Effects) {
	n.count(e.Moves)
	n.journal.Append(index, n.replica.Time(), e.Moves)
	if len(e.Blobs) > 0 {
		n.blobs.Want(e.Blobs...)
	}
	n.leader.Applied(e)
}

// fail stops the node: it could not keep its promises any longer.
func (n *node) fail(err error) {
	n.log.Error("the node cannot go on", "err", err)
	select {
	case n.broken <- err:
	default:
	}
}

// openedHost is what beginHost comes to.
type openedHost struct {
	host *host.Host
	err  error
}

// beginHost starts the sandboxes' host, which tries a child first, while the
// rest of the node opens: half of a lone node's start is this.
func (n *node) beginHost(context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this executable: %w", err)
	}
	opened := make(chan openedHost, 1)
	n.run(func() {
		h, err := host.New(host.Config{
			Executable: self, SandboxArgs: []string{sandboxArg}, CompileArgs: []string{compileArg},
			CacheDir: n.folder.Path("compiled"), Concurrency: n.cfg.Concurrency, Memory: n.cfg.Memory,
			HandBack: handBack, Logger: n.log,
		})
		opened <- openedHost{h, err}
	})
	n.opening = opened
	n.onClose("sandboxes that were starting", func() error {
		if n.host != nil {
			return nil
		}
		if o := <-opened; o.host != nil {
			return o.host.Close(context.Background())
		}
		return nil
	})
	return nil
}

func (n *node) awaitHost(context.Context) error {
	o := <-n.opening
	if o.err != nil {
		n.opening <- o
		return fmt.Errorf("start sandboxes: %w", o.err)
	}
	n.host = o.host
	n.log.Info("sandboxes", "layers", n.host.Layers())
	n.onCloseWithin("sandboxes", n.host.Close)
	return nil
}

func (n *node) openCluster(context.Context) (err error) {
	n.cluster, err = cluster.Start(cluster.Config{
		Folder: n.folder, Net: n.net, Shard: n.replica, Log: n.log,
		RaftAddr: n.cfg.AdvertiseRaft, HTTPAddr: n.httpAddr(), Role: n.cfg.Role, Version: state.Version,
		Join: n.cfg.Join, BootstrapExpect: n.cfg.BootstrapExpect, Resolve: n.resolve,
		Ready: func() bool { return len(n.blobs.Wanted()) == 0 },
		Check: n.check, NoSpace: func() { n.replica.Store().ReleaseReserve() }, ClockJumped: n.leader.ClockChanged,
	})
	if err != nil {
		return fmt.Errorf("start the cluster node: %w", err)
	}
	n.voting.Store(n.cluster)
	n.onCloseWithin("cluster node", n.cluster.Shutdown)
	return nil
}

// raftAddr is where other nodes reach this one.
func (n *node) raftAddr() string {
	if n.cfg.AdvertiseRaft != "" {
		return n.cfg.AdvertiseRaft
	}
	return n.cfg.RaftAddr
}

func (n *node) httpAddr() string {
	if n.cfg.AdvertiseHTTP != "" {
		return n.cfg.AdvertiseHTTP
	}
	return n.cfg.HTTPAddr
}

func (n *node) openHTTP(ctx context.Context) error {
	tlsConfig, err := n.serverTLS()
	if err != nil {
		return err
	}
	n.http, err = api.New(api.Config{
		Node: n, Log: n.log, Answered: n.metrics.Answered, Auth: n.guard(), Insecure: n.cfg.Insecure, TLS: tlsConfig, Page: ui.Page,
		Limits: api.Limits{Module: n.cfg.MaxModule, Value: n.cfg.MaxValue, Memory: n.cfg.MaxMemory, TaskTimeout: n.cfg.MaxTimeout},
	})
	if err != nil {
		return err
	}
	n.edge.Store(n.http)
	var listen net.ListenConfig
	ln, err := listen.Listen(ctx, "tcp", n.cfg.HTTPAddr)
	if err != nil {
		return fmt.Errorf("listen for HTTP (--http-addr): %w", err)
	}
	n.run(func() {
		if err := n.http.Serve(ln); err != nil {
			n.fail(err)
		}
	})
	n.onCloseWithin("HTTP", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		err := n.http.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) { // whoever still waits is cut off, and asks elsewhere
			n.log.Info("some requests were not answered before the end")
			return nil
		}
		return err
	})
	n.run(func() { n.announce(ctx, ln.Addr().String()) })
	return nil
}

// announce says when the node is ready for use.
func (n *node) announce(ctx context.Context, addr string) {
	for {
		l, changed := n.cluster.Leadership()
		if l.Self || l.ID != "" {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
	scheme := "http"
	if n.cfg.TLSCert != "" {
		scheme = "https"
	}
	n.log.Info("ready", "http", scheme+"://"+addr, "node", n.cluster.ID(), "data", filepath.Clean(n.cfg.DataDir))
}
