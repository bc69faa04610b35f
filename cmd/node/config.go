package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/windrow-dev/windrow/internal/egress"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// Config is what a node is told: by flags, WINDROW_… variables and a YAML
// file, in this order of precedence. The zero flags make a cluster of one node
// on loopback.
type Config struct {
	DataDir         string
	HTTPAddr        string
	RaftAddr        string
	AdvertiseHTTP   string
	AdvertiseRaft   string
	NodeID          string
	Join            []string
	BootstrapExpect int
	Role            string
	Concurrency     int
	Memory          int64
	Queues          []string
	Labels          []string
	MaxTimeout      time.Duration
	MaxModule       int64
	MaxMemory       int64
	MaxValue        int64
	MaxLog          int64
	LogLevel        string
	LogFormat       string
	TLSCert         string
	TLSKey          string
	TLSCA           string
	Auth            string
	Insecure        bool
	SecretsKeyFile  string
	EgressAllow     []string
}

// The roles of a node.
const (
	roleAll    = "all"
	roleServer = "server"
	roleWorker = "worker"
)

func flagSet() *pflag.FlagSet {
	f := pflag.NewFlagSet("windrowd", pflag.ContinueOnError)
	f.SortFlags = false
	f.String("config", "", "YAML file with these options as keys, _ for -")
	f.String("data-dir", "./windrow-data", "folder that belongs to this node alone")
	f.String("http-addr", "127.0.0.1:8080", "where the HTTP API listens")
	f.String("raft-addr", "127.0.0.1:8090", "where the other nodes connect")
	f.String("advertise-http", "", "HTTP address told to others (default --http-addr)")
	f.String("advertise-raft", "", "node-to-node address told to others (default --raft-addr)")
	f.String("node-id", "", "lasting name of this node (default: made at first start)")
	f.StringSlice("join", nil, "nodes of the cluster to join: their HTTP URLs or Raft addresses")
	f.Int("bootstrap-expect", 0, "found a cluster once so many servers know each other through --join")
	f.String("role", roleAll, "all, server or worker")
	f.Int("concurrency", 4*runtime.NumCPU(), "attempts alive at once on this node")
	f.String("memory", "", "bytes for all sandboxes, such as 4GiB (default 128 MiB a unit of --concurrency)")
	f.StringSlice("queues", nil, "queues that this node's worker serves (default all)")
	f.StringSlice("labels", nil, "labels of this node's worker, key=value")
	f.String("max-timeout", "24h", "longest timeout of an attempt")
	f.String("max-module", "64MiB", "largest module")
	f.String("max-memory", "512MiB", "most memory of an attempt")
	f.String("max-value", "64MiB", "largest input and result")
	f.String("max-log", "256KiB", "most log of an attempt")
	f.String("log-level", "info", "debug, info, warn or error")
	f.String("log-format", "text", "text or json")
	f.String("tls-cert", "", "this node's certificate, PEM, for HTTP and for the other nodes")
	f.String("tls-key", "", "its key, PEM")
	f.String("tls-ca", "", "authority that signs the nodes' certificates, PEM")
	f.String("auth", "off", "off (loopback only, unless --insecure) or token")
	f.Bool("insecure", false, "allow --auth off beyond loopback")
	f.String("secrets-key-file", "", "key that closes secrets, 32 bytes in base64, the same on every server")
	f.StringSlice("egress-allow", nil, "addresses and CIDRs that webhooks may reach although they are not of the open internet")
	f.Bool("version", false, "print the version and exit")
	return f
}

// load reads the configuration from all its sources.
func load(flags *pflag.FlagSet) (Config, error) {
	k := koanf.New(".")
	name, _ := flags.GetString("config")
	if name == "" {
		name = os.Getenv("WINDROW_CONFIG")
	}
	if name != "" {
		if err := k.Load(file.Provider(name), yaml.Parser()); err != nil {
			return Config{}, fmt.Errorf("read --config %s: %w", name, err)
		}
	}
	fromEnv := env.Provider(".", env.Opt{Prefix: "WINDROW_", TransformFunc: func(key, value string) (string, any) {
		key = strings.ToLower(strings.TrimPrefix(key, "WINDROW_"))
		if f := flags.Lookup(flagName(key)); f != nil && f.Value.Type() == "stringSlice" {
			return key, strings.Split(value, ",")
		}
		return key, value
	}})
	if err := k.Load(fromEnv, nil); err != nil {
		return Config{}, fmt.Errorf("read the environment: %w", err)
	}
	fromFlags := posflag.ProviderWithFlag(flags, ".", k, func(f *pflag.Flag) (string, any) {
		return strings.ReplaceAll(f.Name, "-", "_"), posflag.FlagVal(flags, f)
	})
	if err := k.Load(fromFlags, nil); err != nil {
		return Config{}, fmt.Errorf("read the flags: %w", err)
	}
	if err := unknownKeys(flags, k); err != nil {
		return Config{}, err
	}
	return read(k)
}

func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

// unknownKeys refuses a misspelt key of the file. Variables are not checked:
// the clients have WINDROW_… names of their own.
func unknownKeys(flags *pflag.FlagSet, k *koanf.Koanf) error {
	for _, key := range k.Keys() {
		_, inEnv := os.LookupEnv("WINDROW_" + strings.ToUpper(key))
		if flags.Lookup(flagName(key)) == nil && !inEnv {
			return fmt.Errorf("--config: unknown key %q; see windrowd --help", key)
		}
	}
	return nil
}

func read(k *koanf.Koanf) (Config, error) {
	c := Config{
		DataDir: k.String("data_dir"), HTTPAddr: k.String("http_addr"), RaftAddr: k.String("raft_addr"),
		AdvertiseHTTP: k.String("advertise_http"), AdvertiseRaft: k.String("advertise_raft"), NodeID: k.String("node_id"),
		Join: k.Strings("join"), BootstrapExpect: k.Int("bootstrap_expect"), Role: k.String("role"),
		Concurrency: k.Int("concurrency"), Queues: k.Strings("queues"), Labels: k.Strings("labels"),
		LogLevel: k.String("log_level"), LogFormat: k.String("log_format"),
		TLSCert: k.String("tls_cert"), TLSKey: k.String("tls_key"), TLSCA: k.String("tls_ca"),
		Auth: k.String("auth"), Insecure: k.Bool("insecure"), SecretsKeyFile: k.String("secrets_key_file"), EgressAllow: k.Strings("egress_allow"),
	}
	var faults []error
	size := func(key string, into *int64) {
		if s := k.String(key); s != "" {
			v, err := wire.ParseSize(s)
			if err != nil {
				faults = append(faults, fmt.Errorf("--%s: %w", flagName(key), err))
			}
			*into = int64(v)
		}
	}
	size("memory", &c.Memory)
	size("max_module", &c.MaxModule)
	size("max_memory", &c.MaxMemory)
	size("max_value", &c.MaxValue)
	size("max_log", &c.MaxLog)
	d, err := wire.ParseDuration(k.String("max_timeout"))
	if err != nil {
		faults = append(faults, fmt.Errorf("--max-timeout: %w", err))
	}
	c.MaxTimeout = time.Duration(d)
	faults = append(faults, c.check())
	return c, errors.Join(faults...)
}

// check tells of all faults at once.
func (c *Config) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	oneOf := func(flag, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			fault("--%s %q: say one of %s", flag, value, strings.Join(allowed, ", "))
		}
	}
	oneOf("role", c.Role, roleAll, roleServer, roleWorker)
	oneOf("log-level", c.LogLevel, "debug", "info", "warn", "error")
	oneOf("log-format", c.LogFormat, "text", "json")
	oneOf("auth", c.Auth, "off", "token")
	for flag, addr := range map[string]string{"http-addr": c.HTTPAddr, "raft-addr": c.RaftAddr} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			fault("--%s %q: say HOST:PORT", flag, addr)
		}
	}
	if c.Concurrency < 1 {
		fault("--concurrency %d: at least 1", c.Concurrency)
	}
	if c.Role == roleWorker && len(c.Join) == 0 {
		fault("--role worker needs --join with the address of a server")
	}
	if c.Auth == "off" && !c.Insecure && !loopback(c.HTTPAddr) {
		fault("--http-addr %s is reachable from other machines: use --auth token, or --insecure if everybody there may do everything", c.HTTPAddr)
	}
	if given := c.TLSCert != "" || c.TLSKey != "" || c.TLSCA != ""; given && (c.TLSCert == "" || c.TLSKey == "" || c.TLSCA == "") {
		fault("--tls-cert, --tls-key and --tls-ca belong together")
	}
	if _, err := egress.ParseAllow(c.EgressAllow); err != nil {
		fault("--egress-allow: %w", err)
	}
	for _, l := range c.Labels {
		if !strings.Contains(l, "=") {
			fault("--labels %q: say key=value", l)
		}
	}
	return errors.Join(faults...)
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
