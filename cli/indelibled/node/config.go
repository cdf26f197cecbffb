package node

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
)

const (
	defaultCacheBytes = 256 << 20
	minCacheBytes     = 8 << 20
)

// Config is everything a node is told from outside. The names in the tags are
// those of the configuration file; INDELIBLE_<NAME> in the environment and
// --<name> on the command line override them, in that order.
type Config struct {
	// Name is the node's name in genesis, and of its cosigner keys.
	Name string `mapstructure:"name" yaml:"name" json:"name"`
	// Dir holds the node's state: the log, the Raft log, the vaults. Losing it
	// loses the data; two processes never share it.
	Dir string `mapstructure:"dir" yaml:"dir" json:"dir"`
	// Keys holds the node's private keys (TLS, statements, cosignatures, the
	// log's) and the keyrings of its vaults. It never goes into a backup.
	Keys string `mapstructure:"keys" yaml:"keys" json:"keys"`
	// Genesis is the file with the statement at index 0. It is the log's
	// identity: a node started with another one refuses its own data.
	Genesis string `mapstructure:"genesis" yaml:"genesis" json:"genesis"`
	// Policy is the file that says which checkpoints to believe; the vault
	// releases nothing against a receipt that does not satisfy it.
	Policy string `mapstructure:"policy" yaml:"policy" json:"policy"`
	// PolicyPQ is the policy that counts ML-DSA-44 cosignatures, handed to
	// clients who ask for it.
	PolicyPQ string `mapstructure:"policy-pq" yaml:"policy-pq" json:"policy-pq"`
	// Certificate is the node's certificate, in PEM, leaf first.
	Certificate string `mapstructure:"certificate" yaml:"certificate" json:"certificate"`
	// CA is the authority whose certificates callers must show, in PEM.
	CA string `mapstructure:"ca" yaml:"ca" json:"ca"`
	// Listen is the address for clients (Connect, gRPC, gRPC-Web, checkpoint,
	// tiles, metrics): TLS 1.3 with client certificates. Port 0 takes a free one.
	Listen string `mapstructure:"listen" yaml:"listen" json:"listen"`
	// Public, when set, is a second address that serves the checkpoint and hash
	// tiles alone, to anyone, with the server's certificate only.
	Public string `mapstructure:"public" yaml:"public" json:"public"`
	// CacheBytes is the block cache shared by all databases of the node.
	CacheBytes int64 `mapstructure:"cache-bytes" yaml:"cache-bytes" json:"cache-bytes"`
	// LogLevel is debug, info, warn or error.
	LogLevel string `mapstructure:"log-level" yaml:"log-level" json:"log-level"`
	// LogFormat is text or json.
	LogFormat string `mapstructure:"log-format" yaml:"log-format" json:"log-format"`
}

// Defaults are the values of what is not configured.
func Defaults() Config {
	return Config{Listen: "127.0.0.1:7443", CacheBytes: defaultCacheBytes, LogLevel: "info", LogFormat: "text"}
}

// Setting is one member of Config under its configured name.
type Setting struct {
	Name  string
	Value any
}

// Settings lists every member in the order of the configuration file.
func (c Config) Settings() []Setting {
	return []Setting{
		{"name", c.Name}, {"dir", c.Dir}, {"keys", c.Keys}, {"genesis", c.Genesis}, {"policy", c.Policy},
		{"policy-pq", c.PolicyPQ}, {"certificate", c.Certificate}, {"ca", c.CA}, {"listen", c.Listen},
		{"public", c.Public}, {"cache-bytes", c.CacheBytes}, {"log-level", c.LogLevel}, {"log-format", c.LogFormat},
	}
}

// Resolve makes relative paths relative to dir, the configuration file's
// folder, so that a directory can be moved as a whole.
func (c *Config) Resolve(dir string) {
	for _, path := range []*string{&c.Dir, &c.Keys, &c.Genesis, &c.Policy, &c.PolicyPQ, &c.Certificate, &c.CA} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
}

// Validate reports every fault at once.
func (c *Config) Validate() error {
	var faults []error
	for _, must := range []struct{ name, value string }{
		{"name", c.Name}, {"dir", c.Dir}, {"keys", c.Keys}, {"genesis", c.Genesis},
		{"policy", c.Policy}, {"policy-pq", c.PolicyPQ}, {"certificate", c.Certificate}, {"ca", c.CA},
	} {
		if must.value == "" {
			faults = append(faults, fmt.Errorf("%s is not set", must.name))
		}
	}
	faults = append(faults, checkAddress("listen", c.Listen))
	if c.Public != "" {
		faults = append(faults, checkAddress("public", c.Public))
	}
	if c.CacheBytes < minCacheBytes {
		faults = append(faults, fmt.Errorf("cache-bytes is %d, the least is %d", c.CacheBytes, minCacheBytes))
	}
	if _, err := c.level(); err != nil {
		faults = append(faults, fmt.Errorf("log-level is not debug, info, warn or error"))
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

func (c *Config) level() (slog.Level, error) {
	var level slog.Level
	err := level.UnmarshalText([]byte(c.LogLevel))
	return level, err
}
