package commands

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ingest/fhir"
	"indelible/ledger/entry"
)

// signFlags are the command line of device sign.
type signFlags struct{ dir, binding, jurisdiction, data, out string }

func newDeviceSign(a *app) *cobra.Command {
	var f signFlags
	cmd := &cobra.Command{
		Use:   "sign --device DIR --binding B --jurisdiction J --data FILE --out BASE",
		Short: "Sign one FHIR Observation as a device would",
		Long: `Sign one reading with the key in a device folder. Writes BASE.cose (what is signed; it reveals
nothing) and BASE.clinical.opening and BASE.identity.opening (what opens it; keep them as you keep
the reading). The device's sequence number is moved on before anything is written.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if _, err := os.Stat(f.out + client.StatementSuffix); err == nil {
				return say.Usage("give another --out", "the file %s is there already: it may be the only copy of a reading", f.out+client.StatementSuffix)
			}
			signed, err := f.sign(a)
			if err != nil {
				return err
			}
			if err := client.WriteSigned(f.out, signed); err != nil {
				return say.Local(err, "the reading cannot be written", "look at the folder, and sign it again")
			}
			id := signed.Statement.ID().String()
			made := map[string]any{"statement_id": id, "statement": f.out + client.StatementSuffix, "boot": signed.Statement.Boot, "seq": signed.Statement.Seq}
			return a.Result(made, func(p *say.Page) {
				p.Row("statement", id)
				p.Row("file", f.out+client.StatementSuffix)
				p.Row("next", "indelible append "+f.out+client.StatementSuffix)
			})
		},
	}
	cmd.Flags().StringVar(&f.dir, "device", "", "folder of the device")
	cmd.Flags().StringVar(&f.binding, "binding", "", "binding it signs under")
	cmd.Flags().StringVar(&f.jurisdiction, "jurisdiction", "", "jurisdiction of the binding")
	cmd.Flags().StringVar(&f.data, "data", "", "file with one FHIR R4 Observation")
	cmd.Flags().StringVar(&f.out, "out", "", "base name of the files to write")
	return required(cmd, "device", "binding", "jurisdiction", "data", "out")
}

func (f signFlags) sign(a *app) (*client.Signed, error) {
	c, err := a.credential()
	if err != nil {
		return nil, err
	}
	binding, err := parseBinding(f.binding)
	if err != nil {
		return nil, err
	}
	reading, err := readObservation(f.data)
	if err != nil {
		return nil, err
	}
	key, err := credential.ReadKey(filepath.Join(f.dir, deviceKeyFile))
	if err != nil {
		return nil, say.Usage("make the folder with indelible device prepare", "the device cannot be read: %v", err)
	}
	state, err := readDeviceState(f.dir)
	if err != nil {
		return nil, err
	}
	device, err := client.NewDevice(client.DeviceConfig{
		Key: key, Log: c.LogID(), Binding: binding, Jurisdiction: f.jurisdiction, State: state, Now: time.Now, Rand: rand.Reader,
	})
	if err != nil {
		return nil, say.Usage("give the jurisdiction of the binding, such as eu", "the device cannot sign so: %v", err)
	}
	signed, err := device.Sign(reading.Parts())
	if err != nil {
		return nil, say.Local(err, "the reading could not be signed", "check the Observation")
	}
	return signed, writeDeviceState(f.dir, device.State())
}

func readObservation(path string) (ingest.Reading, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > fhir.MaxResource {
		err = fhir.ErrTooLarge
	}
	var raw []byte
	if err == nil {
		raw, err = os.ReadFile(path)
	}
	if err != nil {
		return ingest.Reading{}, say.Usage("name a file with one FHIR R4 Observation", "--data %s cannot be read: %s", path, say.Reason(err))
	}
	reading, _, err := ingest.ObservationReading(bytes.TrimRight(raw, "\n"))
	if err != nil {
		return ingest.Reading{}, say.Refused("NOT_AN_OBSERVATION", "the file is no Observation that can be cut: "+err.Error(),
			"nothing was signed", "correct the file")
	}
	return reading, nil
}

// deviceState is where a device stands in its own chain, as kept in its folder.
type deviceState struct {
	Boot uint64 `json:"boot"`
	Seq  uint64 `json:"seq"`
	Prev string `json:"prev,omitempty"`
}

func readDeviceState(dir string) (client.DeviceState, error) {
	raw, err := os.ReadFile(filepath.Join(dir, deviceStateFile))
	if errors.Is(err, os.ErrNotExist) {
		return client.DeviceState{Boot: 1}, nil
	}
	var kept deviceState
	if err == nil {
		err = json.Unmarshal(raw, &kept)
	}
	state := client.DeviceState{Boot: kept.Boot, Seq: kept.Seq}
	if err == nil && kept.Prev != "" {
		var prev entry.StatementID
		prev, err = entry.ParseStatementID(kept.Prev)
		state.Prev = &prev
	}
	if err != nil {
		return state, say.Local(err, "the device's state cannot be read",
			"prepare the device anew: signing twice under one number is evidence of a cloned key")
	}
	return state, nil
}

func writeDeviceState(dir string, state client.DeviceState) error {
	kept := deviceState{Boot: state.Boot, Seq: state.Seq}
	if state.Prev != nil {
		kept.Prev = state.Prev.String()
	}
	raw, err := json.Marshal(kept)
	if err == nil {
		err = credential.WriteSecret(filepath.Join(dir, deviceStateFile), raw)
	}
	return say.LocalIf(err, "the device's state cannot be kept", "nothing was written; look at the disk")
}
