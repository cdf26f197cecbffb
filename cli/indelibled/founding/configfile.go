package founding

import (
	"fmt"
	"path/filepath"
	"strconv"

	"indelible/api/client/credential"
)

// configText is the node's configuration with the consequence of each line.
// Paths are relative to the file, so the directory can be moved as a whole.
const configText = `# Configuration of an Indelible node. Every line can be overridden by
# INDELIBLE_<NAME> in the environment and by --<name> on the command line.

# The node's name: it stands in genesis and names its cosignatures. Not to be changed.
name: %[1]s

# Where the node keeps its state. Losing it loses the data of this node.
dir: %[2]s

# Private keys, and the keyrings of the vaults. Never copy this folder into a
# backup: an erasure is as good as the destruction of every copy of a keyring.
keys: %[3]s

# The log's identity. A node started with another genesis refuses its own data.
genesis: %[4]s

# Which checkpoints to believe. The vault opens nothing against any other.
policy: %[5]s
policy-pq: %[6]s

# The node's certificate, and the authority whose certificates callers must show.
certificate: %[7]s
ca: %[8]s

# Where clients connect: TLS 1.3 with client certificates, always.
listen: %[9]s

# A second address that serves the checkpoint and hash tiles, nothing else, to
# anyone who trusts the server's certificate. Off while empty.
public: ""

# Block cache shared by all databases of the node, in bytes.
cache-bytes: %[10]d

# What the log on standard error says and how: debug, info, warn, error; text, json.
log-level: info
log-format: text
`

const cacheBytes = 256 << 20

// writeConfig is the last step but the marker: where this file is, everything
// else is.
func (w *work) writeConfig() error {
	quoted := func(parts ...string) string { return strconv.Quote(filepath.Join(parts...)) }
	text := fmt.Sprintf(configText,
		strconv.Quote(w.spec.Node), quoted(stateDir), quoted(keysDir),
		quoted(logDir, genesisFile), quoted(logDir, policyFile), quoted(logDir, policyPQFile),
		quoted(keysDir, nodeCertFile), quoted(caDir, caCertFile), strconv.Quote(w.spec.Listen), cacheBytes)
	return credential.WritePublic(w.site.Config(), []byte(text))
}
