package rooms

// A room is a package and what it may import of this repository, with why.
// What a room may import, whoever may import that room may import too.
// A path that ends in /... stands for all packages below it (and itself); the
// longest path that fits a package is its room. Rooms that have not been built
// yet may stand here already; a package without a room fails the test.
type room struct {
	path string
	may  []string
	// pure rooms import nothing but the standard library and rooms.
	pure bool
	why  string
}

var plan = []room{
	{path: "queue", pure: true,
		why: "the domain of a task: everybody knows it, so it knows nobody"},
	{path: "queue/limit", pure: true, may: []string{"queue"},
		why: "rates, keys and pools are decided inside Apply"},
	{path: "queue/heap", pure: true,
		why: "one heap for whatever Apply keeps in order"},
	{path: "queue/match", pure: true, may: []string{"queue", "queue/limit", "queue/heap"},
		why: "who runs what next is decided inside Apply"},
	{path: "workflow", pure: true, may: []string{"queue"},
		why: "the graph engine is a pure function, tested and replayed without a cluster"},
	{path: "workflow/canvas", pure: true, may: []string{"workflow", "queue"},
		why: "a canvas is compiled to a graph; it knows no more than the graph does"},
	{path: "workflow/expr", may: []string{"workflow"},
		why: "expressions are evaluated outside Apply, so nothing of the machine leans on them"},
	{path: "workflow/calendar", may: []string{"workflow"},
		why: "ticks are computed outside Apply, so nothing of the machine leans on time zones"},

	{path: "cluster/command", pure: true, may: []string{"queue", "workflow"},
		why: "the only bytes in the log: a format that outlives every package above"},
	{path: "cluster/catalog", pure: true, may: []string{"cluster/command"},
		why: "documents are part of the state machine"},
	{path: "cluster/state", pure: true, may: []string{"cluster/command", "cluster/catalog", "queue/...", "workflow"},
		why: "the state machine runs without raft, disk, clock or goroutine"},
	{path: "cluster/store", may: []string{"cluster/state"},
		why: "the checkpoint of the machine; the machine does not know that it is kept"},
	{path: "cluster/blob",
		why: "bytes by digest: no idea of tasks or modules"},
	{path: "cluster/journal", may: []string{"cluster/state"},
		why: "writes down what the machine did"},
	{path: "cluster/replica", may: []string{"cluster/state", "cluster/store"},
		why: "ties the machine to its store for readers; it decides and proposes nothing"},
	{path: "cluster/lead/link", pure: true, may: []string{"cluster/command"},
		why: "what a worker and the leader say to each other; both ends compile it in, so it decides nothing"},
	{path: "cluster/lead", may: []string{"cluster/lead/link", "cluster/state", "workflow/expr", "workflow/calendar", "internal/egress"},
		why: "what only a leader does; it changes nothing but by a command"},
	{path: "cluster/peer", may: []string{"cluster/command"},
		why: "carries bytes between nodes; what they mean is decided elsewhere"},
	{path: "cluster/peer/peertest", may: []string{"cluster/peer"},
		why: "helps tests of the talk between nodes; never in a binary"},
	{path: "cluster", may: []string{"cluster/..."},
		why: "puts its own rooms together; it knows neither runtime nor api"},

	{path: "runtime/module", may: []string{"queue"},
		why: "judges bytes of strangers, so it leans on as little as possible"},
	{path: "runtime/frame",
		why: "the pipe's format is shared with the child, which must hold no secrets"},
	{path: "runtime/sandbox", may: []string{"runtime/module", "runtime/frame", "queue"},
		why: "lives in the child process, beside guests"},
	{path: "runtime/host", may: []string{"runtime/frame", "queue"},
		why: "the parent's side: it never runs a guest, so it never sees the engine"},
	{path: "runtime/capability", may: []string{"queue", "internal/keyring", "internal/egress"},
		why: "acts for guests in the parent; what it needs of the cluster it asks through its own interface"},
	{path: "runtime/worker", may: []string{"runtime/host", "queue"},
		why: "asks for work through its own interfaces, so that it runs in tests without a cluster"},

	{path: "api/...", may: []string{"api/...", "sdk/wire", "queue/...", "workflow/...", "cluster/command"},
		why: "parses and proposes; it reaches the cluster through its own Node interface"},
	{path: "sdk/...", may: []string{"sdk/..."},
		why: "users compile it in: nothing of the server may come along"},
	{path: "examples/...", may: []string{"examples/...", "sdk/..."},
		why: "written as a user writes, with what a user has"},

	{path: "cmd/node/...", may: []string{"..."},
		why: "introduces everybody to everybody"},
	{path: "cmd/windrow/...", may: []string{"cmd/windrow/...", "sdk/...", "runtime/host", "runtime/module", "runtime/sandbox"},
		why: "a client: the sandbox is there for --local alone"},
	{path: "bench/...", may: []string{"..."},
		why: "measures any part by itself"},

	{path: "internal/keyring",
		why: "keys and envelopes only"},
	{path: "internal/egress",
		why: "the guarded dialer only"},
	{path: "internal/guests",
		why: "embedded test modules only"},
	{path: "internal/metrics", may: []string{"queue"},
		why: "the list of metrics"},
	{path: "internal/rooms",
		why: "this plan"},
	{path: "internal/testnode/...", may: []string{"sdk/...", "internal/guests", "internal/testnode/..."},
		why: "starts the real programs and talks to them as a user does; never part of a program"},
	{path: "internal/e2e/...", may: []string{"sdk/...", "internal/guests", "internal/testnode/..."},
		why: "the promises of the whole, tried from outside; never part of a program"},
	{path: "internal/conformance", may: []string{"api/...", "cluster/...", "sdk/...", "queue", "workflow", "internal/guests", "internal/testnode/..."},
		why: "canvases, on the machine and on real nodes, against a model; never part of a program"},
	{path: "internal/keep",
		why: "names libraries that are about to be used"},
}

// A library that only some rooms may import.
type library struct {
	module string // and everything below it
	rooms  []string
	why    string
}

var libraries = []library{
	{"github.com/tetratelabs/wazero", []string{"runtime/sandbox"},
		"guests never run in a process that holds anything"},
	{"github.com/dgraph-io/badger/v4", []string{"cluster/store"},
		"the store can be replaced, and nobody reads around the overlay"},
	{"github.com/hashicorp/raft", []string{"cluster"},
		"the machine and everything above it run without consensus"},
	{"github.com/hashicorp/raft-wal", []string{"cluster"},
		"the log has one owner"},
	{"github.com/hashicorp/yamux", []string{"cluster/peer"},
		"one transport between nodes"},
	{"github.com/robfig/cron/v3", []string{"workflow/calendar"},
		"its faults are mended in one place"},
	{"cel.dev/cel-go", []string{"workflow/expr"},
		"its cost is bounded in one place"},
	{"github.com/gofiber/fiber/v2", []string{"api/..."},
		"it keeps no promise about a request's memory: values are cloned where it is known"},
	{"github.com/valyala/fasthttp", []string{"api/..."},
		"the same"},
	{"github.com/landlock-lsm/go-landlock", []string{"runtime/sandbox"},
		"a process confines itself"},
	{"github.com/elastic/go-seccomp-bpf", []string{"runtime/sandbox"},
		"a process confines itself"},
	{"github.com/knadh/koanf", []string{"cmd/..."},
		"configuration is read once and handed in"},
	{"github.com/spf13/cobra", []string{"cmd/..."},
		"only programs have command lines"},
	{"github.com/google/go-cmp", nil, "tests only"},
	{"pgregory.net/rapid", nil, "tests only"},
	{"go.uber.org/goleak", nil, "tests only"},
}

// deterministic are the packages whose code runs inside Apply, on every node
// with the same outcome.
var deterministic = []string{
	"queue/...", "workflow",
	"cluster/command/...", "cluster/catalog/...", "cluster/state/...",
}
