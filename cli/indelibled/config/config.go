package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

const (
	defaultCacheBytes = 256 << 20
	minCacheBytes     = 8 << 20
)

// Config is everything a node is told from outside. Its settings say what each
// member means and which values it may have.
type Config struct {
	Name        string `mapstructure:"name" json:"name"`
	Dir         string `mapstructure:"dir" json:"dir"`
	Keys        string `mapstructure:"keys" json:"keys"`
	Genesis     string `mapstructure:"genesis" json:"genesis"`
	Policy      string `mapstructure:"policy" json:"policy"`
	PolicyPQ    string `mapstructure:"policy-pq" json:"policy-pq"`
	Certificate string `mapstructure:"certificate" json:"certificate"` // PEM, leaf first
	CA          string `mapstructure:"ca" json:"ca"`                   // PEM
	Listen      string `mapstructure:"listen" json:"listen"`
	Public      string `mapstructure:"public" json:"public"`
	DebugListen string `mapstructure:"debug-listen" json:"debug-listen"`
	CacheBytes  int64  `mapstructure:"cache-bytes" json:"cache-bytes"`
	LogLevel    string `mapstructure:"log-level" json:"log-level"`
	LogFormat   string `mapstructure:"log-format" json:"log-format"`
}

// Defaults are the values of what is not configured.
func Defaults() Config {
	return Config{Listen: "127.0.0.1:7443", CacheBytes: defaultCacheBytes, LogLevel: "info", LogFormat: "text"}
}

// setting is one member of a Config.
type setting struct {
	name    string // in the file, as INDELIBLE_<NAME> in the environment, as --<name>
	member  any    // *string or *int64
	path    bool   // relative to the folder of the file
	must    rule
	usage   string // of the flag
	comment string // what the file says of it
}

// rule is what a value must be.
type rule int

const (
	set rule = iota
	address
	addressOrNone
	size // in bytes
	level
	format
)

// settings lists every member in the order of the file.
func (c *Config) settings() []setting {
	return []setting{
		{"name", &c.Name, false, set, "the node's name in genesis",
			"The node's name: it stands in genesis and names its cosignatures. Not to be changed."},
		{"dir", &c.Dir, true, set, "folder of the node's state",
			"Where the node keeps its state. Losing it loses the data of this node."},
		{"keys", &c.Keys, true, set, "folder of the node's private keys",
			"Private keys, and the keyrings of the vaults. Never copy this folder into a\n" +
				"backup: an erasure is as good as the destruction of every copy of a keyring."},
		{"genesis", &c.Genesis, true, set, "file with the statement at index 0",
			"The log's identity. A node started with another genesis refuses its own data."},
		{"policy", &c.Policy, true, set, "policy file that counts Ed25519 cosignatures",
			"Which checkpoints to believe. The vault opens nothing against any other."},
		{"policy-pq", &c.PolicyPQ, true, set, "policy file that counts ML-DSA-44 cosignatures",
			"The same, counting ML-DSA-44 cosignatures: for clients who ask for it."},
		{"certificate", &c.Certificate, true, set, "the node's certificate",
			"The node's certificate."},
		{"ca", &c.CA, true, set, "authority whose certificates callers must show",
			"The authority whose certificates callers must show."},
		{"listen", &c.Listen, false, address, "host:port for clients",
			"Where clients connect: TLS 1.3 with client certificates, always."},
		{"public", &c.Public, false, addressOrNone, "host:port that serves checkpoint and tiles to anyone; off while empty",
			"A second address that serves the checkpoint and hash tiles, nothing else, to\n" +
				"anyone who trusts the server's certificate. Off while empty."},
		{"debug-listen", &c.DebugListen, false, addressOrNone, "host:port that serves profiles to operators; off while empty",
			"An address that serves profiles and counts of the process (/debug/pprof/heap,\n" +
				"/debug/pprof/profile?seconds=10, /debug/vars) to operators, with their\n" +
				"certificates. Off while empty."},
		{"cache-bytes", &c.CacheBytes, false, size, "block cache of the node, in bytes",
			"Block cache shared by all databases of the node, in bytes."},
		{"log-level", &c.LogLevel, false, level, "debug, info, warn or error",
			"What the log on standard error says: debug, info, warn, error."},
		{"log-format", &c.LogFormat, false, format, "text or json", "How it says it: text, json."},
	}
}

// fault is what is wrong with the value; empty: nothing.
func (s setting) fault() string {
	value := fmt.Sprint(s.value())
	_, _, noAddress := net.SplitHostPort(value) // port 0 is any free one
	switch {
	case s.must == set && value == "":
		return "is not set"
	case s.must == address && noAddress != nil, s.must == addressOrNone && value != "" && noAddress != nil:
		return "is not host:port"
	case s.must == level && new(slog.Level).UnmarshalText([]byte(value)) != nil:
		return "is not debug, info, warn or error"
	case s.must == format && value != "text" && value != "json":
		return "is not text or json"
	}
	if n, ok := s.value().(int64); ok && s.must == size && n < minCacheBytes {
		return fmt.Sprintf("is %d, the least is %d", n, minCacheBytes)
	}
	return ""
}

// value is that of the member, a string or an int64.
func (s setting) value() any { return reflect.ValueOf(s.member).Elem().Interface() }

// resolve makes relative paths relative to dir, the configuration file's
// folder, so that a directory can be moved as a whole.
func (c *Config) resolve(dir string) {
	for _, s := range c.settings() {
		if path, ok := s.member.(*string); ok && s.path && *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
}

// Validate reports every fault at once.
func (c *Config) Validate() error {
	var faults []error
	for _, s := range c.settings() {
		if what := s.fault(); what != "" {
			faults = append(faults, errors.New(s.name+" "+what))
		}
	}
	return errors.Join(faults...)
}

// Level is the configured level of the log; info if it is none.
func (c *Config) Level() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return slog.LevelInfo
	}
	return level
}

// String is a line for each setting.
func (c *Config) String() string {
	var text strings.Builder
	for _, s := range c.settings() {
		fmt.Fprintf(&text, "%s: %v\n", s.name, s.value())
	}
	return text.String()
}

// Marshal is the text of a configuration file, with the consequence of each setting.
func (c *Config) Marshal() []byte {
	var text strings.Builder
	text.WriteString("# Configuration of an Indelible node. Every line can be overridden by\n" +
		"# INDELIBLE_<NAME> in the environment and by --<name> on the command line.\n")
	for _, s := range c.settings() {
		value := fmt.Sprint(s.value())
		if _, isText := s.member.(*string); isText {
			value = strconv.Quote(value)
		}
		text.WriteString("\n# " + strings.ReplaceAll(s.comment, "\n", "\n# ") + "\n" + s.name + ": " + value + "\n")
	}
	return []byte(text.String())
}
