package founding

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/cli/indelibled/config"
	"indelible/ledger/entry"
	"indelible/proof"
)

// ErrNotEmpty is a directory that holds something already.
var ErrNotEmpty = errors.New("the directory is not empty")

// founder is a founding under way.
type founder struct {
	Spec
	site         Site
	ca, deviceCA *authority
	node         *NodeKeys
	nodeCert     []byte
	keys         map[string]*ecdsa.PrivateKey // of the holders, by name
	genesis      *entry.Statement
	policy       []byte
	policyPQ     []byte
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
	switch {
	case err != nil:
	case condition == Unfinished:
		err = clear(site)
	case condition == Empty:
		err = credential.WritePublic(site.path(markerFile), nil)
	default:
		err = fmt.Errorf("%w: %s", ErrNotEmpty, spec.Dir)
	}
	if err != nil {
		return Site{}, err
	}
	f := &founder{Spec: spec, site: site, keys: map[string]*ecdsa.PrivateKey{}}
	return site, f.run()
}

// clear removes what an interrupted founding has written. The configuration is
// among it: it can exist beside the marker when the crash came between the two.
func clear(site Site) error {
	for _, name := range []string{configFile, caDir, keysDir, logDir, credentialsDir} {
		if err := os.RemoveAll(site.path(name)); err != nil {
			return fmt.Errorf("clear an interrupted founding: %w", err)
		}
	}
	return nil
}

// run writes the configuration last but for the marker: where that file is,
// everything else is.
func (f *founder) run() error {
	for _, step := range []func() error{
		f.complete, f.makeKeys, f.makeGenesis, f.makePolicies, f.writeNode, f.writeHolders, f.writeConfig, f.removeMarker,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// removeMarker says that the founding is complete, and waits until that is on disk.
func (f *founder) removeMarker() error {
	if err := os.Remove(f.site.path(markerFile)); err != nil {
		return fmt.Errorf("end the founding: %w", err)
	}
	return credential.SyncDir(f.Dir)
}

func (f *founder) makeKeys() error {
	var err error
	now := f.Now()
	if f.ca, err = newAuthority("Indelible connections "+f.Origin, now, f.Rand); err != nil {
		return err
	}
	if f.deviceCA, err = newAuthority("Indelible devices "+f.Origin, now, f.Rand); err != nil {
		return err
	}
	for _, h := range Holders {
		if f.keys[h.Name], err = ecdsa.GenerateKey(elliptic.P256(), f.Rand); err != nil {
			return fmt.Errorf("make the key of %s: %w", h.Name, err)
		}
	}
	if f.node, err = newNodeKeys(f.Rand); err != nil {
		return err
	}
	f.nodeCert, err = f.ca.node(f.Node, f.node.TLS.Public(), append(slices.Clone(loopback), f.Hosts...))
	return err
}

// makeGenesis signs the statement at index 0 with the first registrar's key.
func (f *founder) makeGenesis() error {
	var faults error
	spki := func(key crypto.Signer) []byte {
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		faults = errors.Join(faults, err)
		return der
	}
	node := entry.Node{
		Name: f.Node, MLDSAKey: f.node.MLDSA.PublicKey().Bytes(),
		AuthorKey: spki(f.node.Author), CosignerKey: spki(f.node.Cosigner), TLSKey: spki(f.node.TLS),
	}
	for _, rule := range f.Jurisdictions {
		node.Placement = append(node.Placement, rule.Name)
	}
	body := &entry.Genesis{
		Origin: f.Origin, LogKey: spki(f.node.Log), Nodes: []entry.Node{node}, Jurisdictions: f.Jurisdictions,
	}
	for _, h := range Holders {
		switch h.Role { //nolint:exhaustive // the others are enrolled later
		case entry.RoleRegistrar:
			body.Registrars = append(body.Registrars, spki(f.keys[h.Name]))
		case entry.RoleOperator:
			body.Operators = append(body.Operators, spki(f.keys[h.Name]))
		}
	}
	if faults != nil {
		return fmt.Errorf("encode the public keys: %w", faults)
	}
	author, err := client.NewAuthor(f.keys[Registrar1], entry.LogID{}, f.Now, f.Rand)
	if err != nil {
		return err
	}
	signed, err := author.Sign(entry.Draft{Kind: entry.KindGenesis, Body: body}, nil)
	if err != nil {
		return err
	}
	f.genesis = signed.Statement
	return nil
}

// makePolicies writes down what clients pin: more than half of the nodes, which
// with one node is that node.
func (f *founder) makePolicies() error {
	member := proof.PolicyNode{
		Name: f.Node, Ed25519: publicHalf(f.node.Cosigner), MLDSA: f.node.MLDSA.PublicKey().Bytes(),
	}
	for mldsa, into := range map[bool]*[]byte{false: &f.policy, true: &f.policyPQ} {
		policy, err := proof.MajorityPolicy(f.genesis.LogID(), f.Origin, publicHalf(f.node.Log), []proof.PolicyNode{member}, mldsa)
		if err != nil {
			return fmt.Errorf("write the policy: %w", err)
		}
		*into = policy.Marshal()
	}
	return nil
}

func (f *founder) writeNode() error {
	deviceCert, deviceKey := f.site.DeviceCA()
	id := f.genesis.LogID()
	return errors.Join(
		credential.WriteKey(f.site.path(caKeyFile), f.ca.key),
		credential.WriteCertificates(f.site.CA(), f.ca.cert.Raw),
		credential.WriteKey(deviceKey, f.deviceCA.key),
		credential.WriteCertificates(deviceCert, f.deviceCA.cert.Raw),
		f.node.write(f.site.path(keysDir)),
		credential.WriteCertificates(f.site.path(nodeCertFile), f.nodeCert),
		credential.WritePublic(f.site.path(genesisFile), f.genesis.Bytes()),
		credential.WritePublic(f.site.Policy(), f.policy),
		credential.WritePublic(f.site.path(policyPQFile), f.policyPQ),
		credential.WritePublic(f.site.path(logIDFile), []byte(hex.EncodeToString(id[:])+"\n")),
	)
}

func (f *founder) writeHolders() error {
	for name, key := range f.keys {
		cert, err := f.ca.client(name, key.Public())
		if err != nil {
			return err
		}
		err = credential.Write(f.site.Credential(name), credential.Parts{
			Key: key, Certificate: cert, CA: f.ca.cert.Raw,
			Genesis: f.genesis.Bytes(), Policy: f.policy, PolicyPQ: f.policyPQ,
			Name: name, Server: f.URL,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writeConfig names everything by paths relative to the file, so that the directory
// can be moved as a whole.
func (f *founder) writeConfig() error {
	c := config.Defaults()
	c.Name, c.Listen, c.Dir, c.Keys = f.Node, f.Listen, stateDir, keysDir
	c.Genesis, c.Policy, c.PolicyPQ, c.Certificate, c.CA = genesisFile, policyFile, policyPQFile, nodeCertFile, caCertFile
	return credential.WritePublic(f.site.Config(), c.Marshal())
}
