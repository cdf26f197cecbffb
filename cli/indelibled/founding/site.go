package founding

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"indelible/api/client/credential"
	"indelible/ledger/entry"
)

// The layout of a founded directory, relative to it and with slashes.
const (
	configFile = "config.yaml"
	markerFile = ".founding"

	caDir          = "ca"
	caCertFile     = caDir + "/ca.pem"
	caKeyFile      = caDir + "/ca-key.pem"
	deviceCertFile = caDir + "/device-ca.pem"
	deviceKeyFile  = caDir + "/device-ca-key.pem"

	keysDir      = "keys"
	nodeCertFile = keysDir + "/node.pem"

	logDir       = "log"
	genesisFile  = logDir + "/genesis.cose"
	policyFile   = logDir + "/policy.txt"
	policyPQFile = logDir + "/policy-pq.txt"
	logIDFile    = logDir + "/id.txt"

	credentialsDir = "credentials"
	stateDir       = "state"
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

// Holder is who gets a credential of the founding, and the role its key is to have.
type Holder struct {
	Name string
	Role entry.Role
}

// Holders are all of them. Genesis names the registrars and operators; two registrars
// enrol the others.
var Holders = []Holder{
	{Registrar1, entry.RoleRegistrar}, {Registrar2, entry.RoleRegistrar},
	{Operator1, entry.RoleOperator}, {Operator2, entry.RoleOperator},
	{Officer1, entry.RoleOfficer}, {Officer2, entry.RoleOfficer},
	{ConsentService, entry.RoleConsentService}, {Service, entry.RoleService},
	{Clinician, entry.RoleClinician}, {Auditor, entry.RoleAuditor},
}

// Site is a founded directory.
type Site struct{ Dir string }

func (s Site) path(name string) string { return filepath.Join(s.Dir, filepath.FromSlash(name)) }

// Config is the node's configuration file.
func (s Site) Config() string { return s.path(configFile) }

// Credential is the folder of one of the credentials named above.
func (s Site) Credential(name string) string { return filepath.Join(s.Credentials(), name) }

// Credentials is the folder of all of them.
func (s Site) Credentials() string { return s.path(credentialsDir) }

// Policy is the policy that counts Ed25519 cosignatures.
func (s Site) Policy() string { return s.path(policyFile) }

// CA is the certificate of the authority of the connections.
func (s Site) CA() string { return s.path(caCertFile) }

// DeviceCA are the certificate and key of the authority for device identities,
// for devices that have none from their maker.
func (s Site) DeviceCA() (cert, key string) { return s.path(deviceCertFile), s.path(deviceKeyFile) }

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
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return Empty, nil
	}
	if err != nil {
		return Foreign, fmt.Errorf("look into %s: %w", dir, err)
	}
	condition := Foreign
	for _, e := range entries {
		switch e.Name() {
		case markerFile:
			return Unfinished, nil
		case configFile:
			condition = Founded
		}
	}
	return condition, nil
}

// LogID is the identity of the log: the leaf hash of genesis.
func (s Site) LogID() (entry.LogID, error) {
	text, err := os.ReadFile(s.path(logIDFile))
	if err != nil {
		return entry.LogID{}, fmt.Errorf("read the log's identity: %w", err)
	}
	return entry.ParseLogID(strings.TrimSpace(string(text)))
}

// SetServer writes the server's address into every credential.
func (s Site) SetServer(url string) error {
	names, err := os.ReadDir(s.Credentials())
	if err != nil {
		return fmt.Errorf("list the credentials: %w", err)
	}
	for _, name := range names {
		if err := credential.WriteSettings(s.Credential(name.Name()), name.Name(), url); err != nil {
			return err
		}
	}
	return nil
}
