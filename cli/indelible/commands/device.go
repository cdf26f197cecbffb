package commands

import (
	"crypto/x509"
	"os"

	"github.com/spf13/cobra"

	"indelible/api/client/credential"
	"indelible/cli/indelible/session"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

func newDevice(a *app) *cobra.Command {
	return say.Group("device", "Enrol device keys and bind them to subjects, as a registrar",
		newDevicePrepare(a), newDeviceEnrol(a), newDeviceBind(a), newDeviceUnbind(a), newDeviceSign(a),
		newDeviceState(a, "suspend", "Suspend a device key: its statements are refused until it is resumed", entry.AuthorSuspend),
		newDeviceState(a, "resume", "Resume a suspended device key", entry.AuthorResume),
		newDeviceState(a, "revoke", "Revoke a device key for good", entry.AuthorRevoke),
		newDeviceList(a))
}

// The files of a device folder, as device prepare makes it.
const (
	deviceKeyFile   = "key.pem"            // signs readings
	deviceChainFile = "chain.pem"          // certificate of the identity key
	deviceCertFile  = "certification.cose" // by the identity key, of the signing key
	deviceStateFile = "state.json"         // boot, sequence number and newest statement
)

func newDeviceEnrol(a *app) *cobra.Command {
	var handle, jurisdiction, dir, key string
	var linkable bool
	cmd := &cobra.Command{
		Use:   "enrol --device DIR --subject HANDLE --jurisdiction J",
		Short: "Enrol a device's key",
		Long: `Enrol the key with which a device will sign readings of one subject. The folder holds chain.pem
(the certificate of the device's own identity, of an authority activated with indelible ca) and
certification.cose (by that identity, of the signing key), as indelible device prepare makes them.
The signing key is key.pem of the folder, or the public key in --key.

A device that has one fixed key is enrolled with --linkable: its entries can be joined for the life
of the key, and certificates say so. The subject is then a handle of the device's own.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := parseHandle(handle)
			if err != nil {
				return err
			}
			k := session.DeviceKey{Handle: h, Jurisdiction: jurisdiction, Linkable: linkable}
			if err := readDevice(&k, dir, key); err != nil {
				return err
			}
			return a.with(func(s *session.Session) error { return a.enrolDevice(cmd, s, k) })
		},
	}
	cmd.Flags().StringVar(&dir, "device", "", "folder of the device")
	cmd.Flags().StringVar(&key, "key", "", "public key of the device, PEM (default: of key.pem in the folder)")
	cmd.Flags().StringVar(&handle, "subject", "", "handle of the subject it will measure")
	cmd.Flags().StringVar(&jurisdiction, "jurisdiction", "", "jurisdiction of the handle")
	cmd.Flags().BoolVar(&linkable, "linkable", false, "the device has one fixed key")
	return required(cmd, "device", "subject", "jurisdiction")
}

func (a *app) enrolDevice(cmd *cobra.Command, s *session.Session, k session.DeviceKey) error {
	signed, err := s.SignDevice(k)
	if err != nil {
		return err
	}
	if err := a.keepSigned(signed); err != nil {
		return err
	}
	e, err := s.EnrolDevice(cmd.Context(), signed)
	if err != nil {
		return err
	}
	key, err := entry.ParsePublicKey(k.Key)
	if err != nil {
		return say.Local(err, "the key cannot be read back", "fetch the entry with indelible get")
	}
	return a.appended(e, "The device is known as author "+key.Author().String()+
		".\nBind it: indelible device bind "+key.Author().String()+" --subject "+k.Handle.String()+" --jurisdiction "+k.Jurisdiction)
}

// readDevice reads key, chain and certification of a device.
func readDevice(k *session.DeviceKey, dir, keyFile string) error {
	wrong := func(err error) error {
		return say.Usage("make the folder with indelible device prepare, or put the device's files there", "the device cannot be read: %v", err)
	}
	chain, err := credential.ReadCertificates(dir + "/" + deviceChainFile)
	if err != nil {
		return wrong(err)
	}
	for _, cert := range chain {
		k.Chain = append(k.Chain, cert.Raw)
	}
	if !k.Linkable {
		if k.Certification, err = os.ReadFile(dir + "/" + deviceCertFile); err != nil {
			return wrong(err)
		}
	}
	switch {
	case keyFile != "":
		k.Key, err = credential.ReadPublicKey(keyFile)
	case k.Linkable:
		k.Key = chain[0].RawSubjectPublicKeyInfo
	default:
		k.Key, err = publicOf(dir + "/" + deviceKeyFile)
	}
	if err != nil {
		return wrong(err)
	}
	return nil
}

func publicOf(path string) ([]byte, error) {
	key, err := credential.ReadKey(path)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKIXPublicKey(key.Public())
}

func newDeviceBind(a *app) *cobra.Command {
	var handle, jurisdiction string
	cmd := &cobra.Command{
		Use:   "bind AUTHOR --subject HANDLE --jurisdiction J",
		Short: "Let a device write about a subject",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			author, err := parseAuthorID(args[0])
			if err != nil {
				return err
			}
			h, err := parseHandle(handle)
			if err != nil {
				return err
			}
			return a.with(func(s *session.Session) error {
				statement, id, err := s.SignBinding(author, h, jurisdiction)
				if err == nil {
					err = a.keepStatement(statement)
				}
				if err != nil {
					return err
				}
				e, err := s.Bind(cmd.Context(), statement)
				if err != nil {
					return err
				}
				return a.bound(e, id)
			})
		},
	}
	cmd.Flags().StringVar(&handle, "subject", "", "handle of the subject")
	cmd.Flags().StringVar(&jurisdiction, "jurisdiction", "", "jurisdiction of the handle")
	return required(cmd, "subject", "jurisdiction")
}

func newDeviceUnbind(a *app) *cobra.Command {
	var jurisdiction string
	cmd := &cobra.Command{
		Use:   "unbind BINDING --jurisdiction J",
		Short: "End a binding now: later readings under it are refused",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := entry.ParseBindingID(args[0])
			if err != nil {
				return say.Usage("give the 32 lower-case hexadecimal digits that were printed for it", "this is not a binding")
			}
			return a.with(func(s *session.Session) error {
				statement, err := s.SignUnbind(id, jurisdiction, s.Now())
				if err == nil {
					err = a.keepStatement(statement)
				}
				if err != nil {
					return err
				}
				e, err := s.Unbind(cmd.Context(), statement)
				if err != nil {
					return err
				}
				return a.appended(e, "Readings that were signed before may still arrive for seven days.")
			})
		},
	}
	cmd.Flags().StringVar(&jurisdiction, "jurisdiction", "", "jurisdiction of the binding")
	return required(cmd, "jurisdiction")
}

// newDeviceState suspends, resumes or revokes a device key under the handle and
// jurisdiction of its enrolment, which the log knows.
func newDeviceState(a *app, use, short string, action entry.AuthorAction) *cobra.Command {
	var upto string
	cmd := &cobra.Command{
		Use: use + " AUTHOR", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseAuthorID(args[0])
			if err != nil {
				return err
			}
			change := &entry.AuthorChange{Action: action, Author: id}
			if upto != "" {
				newest, err := parseStatementID(upto)
				if err != nil {
					return err
				}
				change.Upto = &newest
			}
			return a.with(func(s *session.Session) error { return a.changeDevice(cmd, s, change) })
		},
	}
	if action == entry.AuthorRevoke {
		cmd.Flags().StringVar(&upto, "upto", "", "newest statement of the key that still counts, also when it arrives late")
	}
	return cmd
}

func (a *app) changeDevice(cmd *cobra.Command, s *session.Session, change *entry.AuthorChange) error {
	device, err := s.Device(cmd.Context(), change.Author)
	if err != nil {
		return err
	}
	if len(device.GetHandle()) != entry.IDSize || len(device.GetJurisdictions()) == 0 {
		return session.NotProven(errDevice)
	}
	statement, err := s.SignAuthorChange(change, entry.SubOfHandle(entry.Handle(device.GetHandle())), device.GetJurisdictions()[0])
	if err == nil {
		err = a.keepStatement(statement)
	}
	if err != nil {
		return err
	}
	e, err := s.ChangeDevice(cmd.Context(), statement)
	if err != nil {
		return err
	}
	return a.appended(e, "")
}
