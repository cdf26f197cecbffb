package founding

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"indelible/api/client/credential"
	"indelible/ledger/entry"
)

// The layout of a founded directory.
const (
	ConfigFile     = "config.yaml"
	markerFile     = ".founding"
	caDir          = "ca"
	keysDir        = "keys"
	logDir         = "log"
	credentialsDir = "credentials"
	stateDir       = "state"

	caCertFile       = "ca.pem"
	caKeyFile        = "ca-key.pem"
	deviceCACertFile = "device-ca.pem"
	deviceCAKeyFile  = "device-ca-key.pem"
	nodeCertFile     = "node.pem"
	genesisFile      = "genesis.cose"
	policyFile       = "policy.txt"
	policyPQFile     = "policy-pq.txt"
	logIDFile        = "id.txt"
)

// The credentials init makes, by the name of their folder.
const (
	Registrar1     = "registrar-1"
	Registrar2     = "registrar-2"
	Operator1      = "operator-1"
	Operator2      = "operator-2"
	Officer1       = "officer-1"
	Officer2       = "officer-2"
	ConsentService = "consent-service"
	Service        = "ingest-service"
	Clinician      = "clinician"
	Auditor        = "auditor"
)

// Site is a founded directory.
type Site struct{ Dir string }

// Config is the node's configuration file.
func (s Site) Config() string { return filepath.Join(s.Dir, ConfigFile) }

// Credential is the folder of one of the credentials named above.
func (s Site) Credential(name string) string { return filepath.Join(s.Dir, credentialsDir, name) }

// Credentials is the folder of all of them.
func (s Site) Credentials() string { return filepath.Join(s.Dir, credentialsDir) }

// Policy is the policy that counts Ed25519 cosignatures.
func (s Site) Policy() string { return filepath.Join(s.Dir, logDir, policyFile) }

// CA is the certificate of the authority of the connections.
func (s Site) CA() string { return filepath.Join(s.Dir, caDir, caCertFile) }

// DeviceCA are the certificate and key of the authority for device identities,
// for devices that have none from their maker.
func (s Site) DeviceCA() (cert, key string) {
	return filepath.Join(s.Dir, caDir, deviceCACertFile), filepath.Join(s.Dir, caDir, deviceCAKeyFile)
}

// Condition says how far a directory is from being a Site.
type Condition int

// The conditions of a directory.
const (
	Empty      Condition = iota // absent, or nothing in it
	Unfinished                  // a founding was interrupted in it
	Founded                     // complete
	Foreign                     // holds something else
)

// Inspect says what a directory holds.
func Inspect(dir string) (Condition, error) {
	names, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Empty, nil
	}
	if err != nil {
		return Foreign, fmt.Errorf("look into %s: %w", dir, err)
	}
	switch {
	case exists(filepath.Join(dir, markerFile)):
		return Unfinished, nil
	case exists(filepath.Join(dir, ConfigFile)):
		return Founded, nil
	case len(names) == 0:
		return Empty, nil
	}
	return Foreign, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// LogID is the identity of the log: the leaf hash of genesis.
func (s Site) LogID() (entry.LogID, error) {
	text, err := os.ReadFile(filepath.Join(s.Dir, logDir, logIDFile))
	if err != nil {
		return entry.LogID{}, fmt.Errorf("read the log's identity: %w", err)
	}
	return entry.ParseLogID(strings.TrimSpace(string(text)))
}

// SetServer writes the server's address into every credential that names
// another one.
func (s Site) SetServer(url string) error {
	names, err := os.ReadDir(s.Credentials())
	if err != nil {
		return fmt.Errorf("list the credentials: %w", err)
	}
	for _, name := range names {
		dir := s.Credential(name.Name())
		settings := credential.Settings{Name: name.Name(), Server: url}
		old, err := os.ReadFile(filepath.Join(dir, credential.SettingsFile))
		if err == nil && bytes.Equal(old, settings.Marshal()) {
			continue
		}
		if err := credential.WriteSettings(dir, settings); err != nil {
			return err
		}
	}
	return nil
}
