package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
)

const (
	defaultCacheBytes = 256 << 20
	minCacheBytes     = 8 << 20
)

// Config is what a node is told. Paths in the file are relative to it, so that a
// directory can be moved as a whole; Load makes them whole.
type Config struct {
	// Name is the node's name in genesis, and of its cosigner keys.
	Name string `mapstructure:"name" json:"name"`
	// Dir holds the node's state: the log, the Raft log, the vaults. Losing it
	// loses the data; two processes never share it.
	Dir string `mapstructure:"dir" json:"dir"`
	// Keys holds the node's private keys (TLS, statements, cosignatures, the
	// log's) and the keyrings of its vaults. It never goes into a backup.
	Keys string `mapstructure:"keys" json:"keys"`
	// Genesis is the file with the statement at index 0. It is the log's
	// identity: a node started with another one refuses its own data.
	Genesis string `mapstructure:"genesis" json:"genesis"`
	// Policy is the file that says which checkpoints to believe; the vault
	// releases nothing against a receipt that does not satisfy it.
	Policy string `mapstructure:"policy" json:"policy"`
	// PolicyPQ is the policy that counts ML-DSA-44 cosignatures, handed to
	// clients who ask for it.
	PolicyPQ string `mapstructure:"policy-pq" json:"policy-pq"`
	// Certificate is the node's certificate, in PEM, leaf first.
	Certificate string `mapstructure:"certificate" json:"certificate"`
	// CA is the authority whose certificates callers must show, in PEM.
	CA string `mapstructure:"ca" json:"ca"`
	// Listen is the address for clients (Connect, gRPC, gRPC-Web, checkpoint,
	// tiles, metrics): TLS 1.3 with client certificates. Port 0 takes a free one.
	Listen string `mapstructure:"listen" json:"listen"`
	// Public, when set, is a second address that serves the checkpoint and hash
	// tiles alone, to anyone, with the server's certificate only.
	Public string `mapstructure:"public" json:"public"`
	// DebugListen, when set, is an address that serves profiles and counts of the
	// process (/debug/pprof/heap and others, /debug/vars) to operators, with their
	// certificates.
	DebugListen string `mapstructure:"debug-listen" json:"debug-listen"`
	// CacheBytes is the block cache shared by all databases of the node.
	CacheBytes int64 `mapstructure:"cache-bytes" json:"cache-bytes"`
	// LogLevel is debug, info, warn or error.
	LogLevel string `mapstructure:"log-level" json:"log-level"`
	// LogFormat is text or json.
	LogFormat string `mapstructure:"log-format" json:"log-format"`
}

// Defaults are the values of what is not configured.
func Defaults() Config {
	return Config{Listen: "127.0.0.1:7443", CacheBytes: defaultCacheBytes, LogLevel: "info", LogFormat: "text"}
}

// setting is one member of Config.
type setting struct {
	name     string
	of       func(*Config) any // *string or *int64
	usage    string            // of its flag
	about    string            // its consequence, for the file
	required bool
	path     bool
}

// settings are all of them, in the order of the file.
var settings = []setting{
	{"name", func(c *Config) any { return &c.Name }, "the node's name in genesis",
		"The node's name: it stands in genesis and names its cosignatures. Not to be changed.", true, false},
	{"dir", func(c *Config) any { return &c.Dir }, "folder of the node's state",
		"Where the node keeps its state. Losing it loses the data of this node.", true, true},
	{"keys", func(c *Config) any { return &c.Keys }, "folder of the node's private keys",
		"Private keys, and the keyrings of the vaults. Never copy this folder into a\n" +
			"backup: an erasure is as good as the destruction of every copy of a keyring.", true, true},
	{"genesis", func(c *Config) any { return &c.Genesis }, "file with the statement at index 0",
		"The log's identity. A node started with another genesis refuses its own data.", true, true},
	{"policy", func(c *Config) any { return &c.Policy }, "policy file that counts Ed25519 cosignatures",
		"Which checkpoints to believe. The vault opens nothing against any other.", true, true},
	{"policy-pq", func(c *Config) any { return &c.PolicyPQ }, "policy file that counts ML-DSA-44 cosignatures",
		"The same, counting ML-DSA-44 cosignatures: for clients who ask for it.", true, true},
	{"certificate", func(c *Config) any { return &c.Certificate }, "the node's certificate",
		"The node's certificate.", true, true},
	{"ca", func(c *Config) any { return &c.CA }, "authority whose certificates callers must show",
		"The authority whose certificates callers must show.", true, true},
	{"listen", func(c *Config) any { return &c.Listen }, "host:port for clients",
		"Where clients connect: TLS 1.3 with client certificates, always.", false, false},
	{"public", func(c *Config) any { return &c.Public }, "host:port that serves checkpoint and tiles to anyone; off while empty",
		"A second address that serves the checkpoint and hash tiles, nothing else, to\n" +
			"anyone who trusts the server's certificate. Off while empty.", false, false},
	{"debug-listen", func(c *Config) any { return &c.DebugListen }, "host:port that serves profiles to operators; off while empty",
		"An address that serves profiles and counts of the process (/debug/pprof/heap,\n" +
			"/debug/pprof/profile?seconds=10, /debug/vars) to operators, with their\n" +
			"certificates. Off while empty.", false, false},
	{"cache-bytes", func(c *Config) any { return &c.CacheBytes }, "block cache of the node, in bytes",
		"Block cache shared by all databases of the node, in bytes.", false, false},
	{"log-level", func(c *Config) any { return &c.LogLevel }, "debug, info, warn or error",
		"What the log on standard error says: debug, info, warn, error.", false, false},
	{"log-format", func(c *Config) any { return &c.LogFormat }, "text or json",
		"How it says it: text, json.", false, false},
}

// Setting is one member of a Config under its configured name.
type Setting struct {
	Name  string
	Value any
}

// Settings lists every member in the order of the file.
func (c Config) Settings() []Setting {
	list := make([]Setting, len(settings))
	for i, s := range settings {
		list[i] = Setting{s.name, s.value(&c)}
	}
	return list
}

func (s setting) value(c *Config) any {
	if number, ok := s.of(c).(*int64); ok {
		return *number
	}
	return *s.text(c)
}

// text is a setting that is a text.
func (s setting) text(c *Config) *string {
	text, ok := s.of(c).(*string)
	if !ok {
		return new(string)
	}
	return text
}

// Validate reports every fault at once.
func (c *Config) Validate() error {
	var faults []error
	for _, s := range settings {
		if s.required && *s.text(c) == "" {
			faults = append(faults, fmt.Errorf("%s is not set", s.name))
		}
	}
	faults = append(faults, checkAddress("listen", c.Listen))
	for _, optional := range []struct{ name, address string }{{"public", c.Public}, {"debug-listen", c.DebugListen}} {
		if optional.address != "" {
			faults = append(faults, checkAddress(optional.name, optional.address))
		}
	}
	if c.CacheBytes < minCacheBytes {
		faults = append(faults, fmt.Errorf("cache-bytes is %d, the least is %d", c.CacheBytes, minCacheBytes))
	}
	if _, err := c.Level(); err != nil {
		faults = append(faults, errors.New("log-level is not debug, info, warn or error"))
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		faults = append(faults, errors.New("log-format is not text or json"))
	}
	return errors.Join(faults...)
}

func checkAddress(name, address string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("%s is not host:port", name)
	}
	return nil
}

// Level is LogLevel as a logger takes it.
func (c *Config) Level() (level slog.Level, err error) {
	err = level.UnmarshalText([]byte(c.LogLevel))
	return level, err
}
