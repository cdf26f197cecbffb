package founding

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"indelible/api/client/credential"
	"indelible/cli/indelibled/config"
	"indelible/ledger/entry"
	"indelible/proof"
)

// ErrNotEmpty is a directory that holds something already.
var ErrNotEmpty = errors.New("the directory is not empty")

// holder is one credential of the founding.
type holder struct {
	name string
	key  *ecdsa.PrivateKey
	spki []byte
}

// work is a founding under way.
type work struct {
	spec     Spec
	site     Site
	ca       *authority
	deviceCA *authority
	node     *NodeKeys
	nodeCert []byte
	holders  []holder
	genesis  *entry.Statement
	policy   []byte
	policyPQ []byte
}

// Found makes the log of spec. A founding that was interrupted in the same
// directory is thrown away and begun again: nothing can have been signed under
// its keys, because no configuration existed to start a node with.
func Found(spec Spec) (Site, error) {
	if err := spec.Validate(); err != nil {
		return Site{}, err
	}
	site := Site{Dir: spec.Dir}
	condition, err := Inspect(spec.Dir)
	if err != nil {
		return Site{}, err
	}
	switch condition {
	case Founded, Foreign:
		return Site{}, fmt.Errorf("%w: %s", ErrNotEmpty, spec.Dir)
	case Unfinished:
		if err := clear(site); err != nil {
			return Site{}, err
		}
	case Empty:
		if err := credential.WritePublic(filepath.Join(spec.Dir, markerFile), nil); err != nil {
			return Site{}, err
		}
	}
	w := &work{spec: spec, site: site}
	return site, w.run()
}

// clear removes what an interrupted founding has written. The configuration is
// among it: it can exist beside the marker when the crash came between the two.
func clear(site Site) error {
	for _, name := range []string{ConfigFile, caDir, keysDir, logDir, credentialsDir} {
		if err := os.RemoveAll(filepath.Join(site.Dir, name)); err != nil {
			return fmt.Errorf("clear an interrupted founding: %w", err)
		}
	}
	return nil
}

func (w *work) run() error {
	for _, step := range []func() error{
		w.spec.complete, w.makeAuthorities, w.makeNode, w.makeHolders, w.makeGenesis, w.makePolicies,
		w.writeAuthorities, w.writeNode, w.writeLog, w.writeHolders, w.writeConfig,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return w.removeMarker()
}

// writeConfig is the last step but the marker: where this file is, everything else
// is. Its paths are relative to it.
func (w *work) writeConfig() error {
	c := config.Defaults()
	c.Name, c.Listen, c.Dir, c.Keys = w.spec.Node, w.spec.Listen, stateDir, keysDir
	c.Genesis, c.Policy, c.PolicyPQ = filepath.Join(logDir, genesisFile), filepath.Join(logDir, policyFile), filepath.Join(logDir, policyPQFile)
	c.Certificate, c.CA = filepath.Join(keysDir, nodeCertFile), filepath.Join(caDir, caCertFile)
	return credential.WritePublic(w.site.Config(), c.Marshal())
}

// removeMarker says that the founding is complete, and waits until that is on disk.
func (w *work) removeMarker() error {
	if err := os.Remove(filepath.Join(w.spec.Dir, markerFile)); err != nil {
		return fmt.Errorf("end the founding: %w", err)
	}
	return credential.SyncDir(w.spec.Dir)
}

func (w *work) makeAuthorities() error {
	var err error
	now := w.spec.Now()
	if w.ca, err = newAuthority("Indelible connections "+w.spec.Origin, now, w.spec.Rand); err != nil {
		return err
	}
	w.deviceCA, err = newAuthority("Indelible devices "+w.spec.Origin, now, w.spec.Rand)
	return err
}

func (w *work) makeNode() error {
	var err error
	if w.node, err = newNodeKeys(w.spec.Rand); err != nil {
		return err
	}
	hosts := append(append([]string(nil), loopback...), w.spec.Hosts...)
	w.nodeCert, err = w.ca.node(w.spec.Node, w.node.TLS.Public(), hosts)
	return err
}

func (w *work) makeHolders() error {
	for _, name := range []string{
		Registrar1, Registrar2, Operator1, Operator2, Officer1, Officer2, ConsentService, Service, Clinician, Auditor,
	} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), w.spec.Rand)
		if err != nil {
			return fmt.Errorf("make the key of %s: %w", name, err)
		}
		der, err := spki(key)
		if err != nil {
			return err
		}
		w.holders = append(w.holders, holder{name: name, key: key, spki: der})
	}
	return nil
}

// holder finds a credential by name.
func (w *work) holder(name string) holder {
	for _, h := range w.holders {
		if h.name == name {
			return h
		}
	}
	return holder{}
}

// makeGenesis signs the statement at index 0 with the first registrar's key.
func (w *work) makeGenesis() error {
	node, logKey, err := w.genesisNode()
	if err != nil {
		return err
	}
	body := &entry.Genesis{
		Origin: w.spec.Origin, LogKey: logKey, Nodes: []entry.Node{node},
		Registrars:    [][]byte{w.holder(Registrar1).spki, w.holder(Registrar2).spki},
		Operators:     [][]byte{w.holder(Operator1).spki, w.holder(Operator2).spki},
		Jurisdictions: w.spec.Jurisdictions,
	}
	var request entry.RequestID
	if _, err := io.ReadFull(w.spec.Rand, request[:]); err != nil {
		return fmt.Errorf("draw a request id: %w", err)
	}
	draft := entry.Draft{
		Kind: entry.KindGenesis, IssuedAt: uint64(w.spec.Now().UnixMilli()), Request: &request, Body: body,
	}
	w.genesis, err = draft.Sign(w.spec.Rand, w.holder(Registrar1).key)
	if err != nil {
		return fmt.Errorf("sign genesis: %w", err)
	}
	return nil
}

func (w *work) genesisNode() (entry.Node, []byte, error) {
	node := entry.Node{Name: w.spec.Node, MLDSAKey: w.node.MLDSA.PublicKey().Bytes()}
	var logKey []byte
	var faults error
	for _, key := range []struct {
		into *[]byte
		of   any
	}{{&node.AuthorKey, w.node.Author.Public()}, {&node.CosignerKey, w.node.Cosigner.Public()}, {&node.TLSKey, w.node.TLS.Public()}, {&logKey, w.node.Log.Public()}} {
		der, err := x509.MarshalPKIXPublicKey(key.of)
		*key.into, faults = der, errors.Join(faults, err)
	}
	for _, rule := range w.spec.Jurisdictions {
		node.Placement = append(node.Placement, rule.Name)
	}
	return node, logKey, faults
}

// makePolicies writes down what clients pin: more than half of the nodes, which
// with one node is that node.
func (w *work) makePolicies() error {
	member := proof.PolicyNode{
		Name: w.spec.Node, Ed25519: publicHalf(w.node.Cosigner), MLDSA: w.node.MLDSA.PublicKey().Bytes(),
	}
	logKey := publicHalf(w.node.Log)
	for _, family := range []struct {
		into  *[]byte
		mldsa bool
	}{{&w.policy, false}, {&w.policyPQ, true}} {
		policy, err := proof.MajorityPolicy(w.genesis.LogID(), w.spec.Origin, logKey, []proof.PolicyNode{member}, family.mldsa)
		if err != nil {
			return fmt.Errorf("write the policy: %w", err)
		}
		*family.into = policy.Marshal()
	}
	return nil
}

func (w *work) writeAuthorities() error {
	dir := filepath.Join(w.spec.Dir, caDir)
	deviceCert, deviceKey := w.site.DeviceCA()
	return errors.Join(
		credential.WriteKey(filepath.Join(dir, caKeyFile), w.ca.key),
		credential.WriteCertificates(w.site.CA(), w.ca.cert.Raw),
		credential.WriteKey(deviceKey, w.deviceCA.key),
		credential.WriteCertificates(deviceCert, w.deviceCA.cert.Raw),
	)
}

func (w *work) writeNode() error {
	dir := filepath.Join(w.spec.Dir, keysDir)
	return errors.Join(w.node.write(dir), credential.WriteCertificates(filepath.Join(dir, nodeCertFile), w.nodeCert))
}

func (w *work) writeLog() error {
	dir := filepath.Join(w.spec.Dir, logDir)
	id := w.genesis.LogID()
	return errors.Join(
		credential.WritePublic(filepath.Join(dir, genesisFile), w.genesis.Bytes()),
		credential.WritePublic(w.site.Policy(), w.policy),
		credential.WritePublic(filepath.Join(dir, policyPQFile), w.policyPQ),
		credential.WritePublic(filepath.Join(dir, logIDFile), []byte(hex.EncodeToString(id[:])+"\n")),
	)
}

func (w *work) writeHolders() error {
	for _, h := range w.holders {
		cert, err := w.ca.client(h.name, h.key.Public())
		if err != nil {
			return err
		}
		err = credential.Write(w.site.Credential(h.name), credential.Parts{
			Key: h.key, Certificate: cert, CA: w.ca.cert.Raw,
			Genesis: w.genesis.Bytes(), Policy: w.policy, PolicyPQ: w.policyPQ,
			Settings: credential.Settings{Name: h.name, Server: w.spec.URL}.Marshal(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
