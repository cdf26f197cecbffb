package commands

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/cli/say"
	"indelible/ingest"
	"indelible/ledger/entry"
)

// maxPage bounds the records of one page, as the server does.
const maxPage = 100

// readFlags are the command line of read.
type readFlags struct {
	jurisdiction, purpose, out string
	statements                 []string
	clinicalOnly               bool
	page                       string
	limit                      uint32
	all                        bool
}

func newRead(a *app) *cobra.Command {
	var f readFlags
	cmd := a.speaks("read HANDLE --jurisdiction J --purpose P", "Read a subject's records",
		`Read the records of a subject, oldest first. Every page is an entry in the log before it is released:
who asked, when, from where, which parts, what for. FHIR resources come back byte for byte; --out
writes them to a file only you may read, one after the other, each ended by a line feed (one that was
signed with line breaks keeps them). Purposes: `+purposes+`.`,
		cobra.ExactArgs(1), func(_ *cobra.Command, args []string) (act, error) {
			request, err := f.request(args[0])
			return func(ctx context.Context, c *client.Caller) error { return a.read(ctx, c, f, request) }, err
		})
	cmd.Flags().StringVar(&f.jurisdiction, "jurisdiction", "", "jurisdiction of the handle")
	cmd.Flags().StringVar(&f.purpose, "purpose", "", "what for")
	cmd.Flags().StringSliceVar(&f.statements, "statement", nil, "only these records, by statement id (repeat)")
	cmd.Flags().BoolVar(&f.clinicalOnly, "clinical-only", false, "leave out what identifies the person")
	cmd.Flags().StringVar(&f.page, "page", "", "begin at this page, as the last read named it")
	cmd.Flags().Uint32Var(&f.limit, "limit", 25, "records a page, at most 100")
	cmd.Flags().BoolVar(&f.all, "all", false, "all pages, each an access entry of its own")
	cmd.Flags().StringVar(&f.out, "out", "", "file to write the resources to")
	return required(cmd, "jurisdiction", "purpose")
}

func (f readFlags) request(handle string) (client.ReadRequest, error) {
	r := client.ReadRequest{Jurisdiction: f.jurisdiction, Identity: !f.clinicalOnly, Limit: f.limit}
	if f.limit == 0 || f.limit > maxPage {
		return r, say.Usage("--all reads page after page", "--limit is outside 1 to %d", maxPage)
	}
	var err error
	if r.Page, err = base64.RawURLEncoding.Strict().DecodeString(f.page); err != nil {
		return r, say.Usage("give it as the last read named it", "--page is no page")
	}
	if r.Handle, err = parseHandle(handle); err != nil {
		return r, err
	}
	if r.Purpose, err = parsePurpose(f.purpose); err != nil {
		return r, err
	}
	r.Statements, err = each(parseStatementID, f.statements)
	return r, err
}

// jsonRecord is one released record. Resource is the original FHIR resource as
// it was signed, as a string, because its bytes matter; without the identity
// part it is the clinical part.
type jsonRecord struct {
	jsonEntry
	MediaType string `json:"media_type"`
	Whole     bool   `json:"whole"` // resource is the original, byte for byte
	Resource  string `json:"resource"`
}

// jsonRead is everything a read released.
type jsonRead struct {
	Records []jsonRecord `json:"records"`
	Next    string       `json:"next"` // for --page; empty: nothing follows
	Access  []jsonEntry  `json:"access"`
}

func (a *app) read(ctx context.Context, c *client.Caller, f readFlags, r client.ReadRequest) error {
	out := jsonRead{Records: []jsonRecord{}}
	for {
		page, err := c.Read(ctx, r)
		if err != nil {
			return err
		}
		out.Access, out.Next = append(out.Access, toJSON(client.Outcome{Proven: page.Access})), base64.RawURLEncoding.EncodeToString(page.Next)
		for _, record := range page.Records {
			released, err := releasedRecord(record)
			if err != nil {
				return say.NotProven(err)
			}
			out.Records = append(out.Records, released)
		}
		if !f.all || len(page.Next) == 0 {
			break
		}
		r.Page = page.Next
	}
	if f.out != "" {
		if err := writeResources(f.out, out.Records); err != nil {
			return err
		}
	}
	return a.Result(out, out.show)
}

func releasedRecord(r client.Record) (jsonRecord, error) {
	clinical := r.Parts[entry.ClassClinical]
	original, err := ingest.Original(r.Parts)
	out := jsonRecord{jsonEntry: toJSON(client.Outcome{Proven: r.Proven}), MediaType: clinical.MediaType, Resource: string(clinical.Bytes)}
	if original != nil {
		out.Whole, out.Resource = true, string(original)
	}
	return out, err
}

// writeResources writes each resource as it is, ended by a line feed, for their
// owner's eyes only, also where a file with other permissions was.
func writeResources(path string, records []jsonRecord) error {
	var lines bytes.Buffer
	for _, r := range records {
		lines.WriteString(r.Resource)
		lines.WriteByte('\n')
	}
	return say.LocalIf(credential.WriteSecret(path, lines.Bytes()),
		"the records were released, but cannot be written", "read them again with another --out")
}

func (out jsonRead) show(p *say.Page) {
	p.Table("ENTRY", "OBSERVED", "WHAT", "VALUE")
	for _, r := range out.Records {
		o := summarise([]byte(r.Resource))
		p.Row(r.Index, o.when, o.what, o.value)
	}
	for _, access := range out.Access {
		p.Line("recorded as access entry %d", access.Index)
	}
	if out.Next != "" {
		p.Line("more follows: --page %s", out.Next)
	}
}

// quantity is a FHIR Quantity. Its number is kept as it is spelled.
type quantity struct {
	Value json.Number
	Unit  string
}

func (q quantity) text() string {
	if q.Value == "" {
		return ""
	}
	return q.Value.String() + " " + q.Unit
}

// coded is a FHIR CodeableConcept.
type coded struct {
	Text   string
	Coding []struct{ Code, Display string }
}

func (c coded) text() string {
	switch {
	case c.Text != "":
		return c.Text
	case len(c.Coding) > 0 && c.Coding[0].Display != "":
		return c.Coding[0].Display
	case len(c.Coding) > 0:
		return c.Coding[0].Code
	}
	return "-"
}

// summary is a line of the table.
type summary struct{ when, what, value string }

// summarise reads what a table can show of an Observation; what it cannot show
// stays in --out and --output json.
func summarise(resource []byte) summary {
	var o struct {
		Code                 coded
		EffectiveDateTime    string
		ValueQuantity        quantity
		ValueString          string
		ValueCodeableConcept *coded
		Component            []struct {
			Code          coded
			ValueQuantity quantity
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(resource))
	decoder.UseNumber()
	if err := decoder.Decode(&o); err != nil {
		return summary{"-", "not JSON", fmt.Sprintf("%d bytes", len(resource))}
	}
	out := summary{when: o.EffectiveDateTime, what: o.Code.text(), value: o.ValueQuantity.text()}
	switch {
	case out.value != "":
	case o.ValueString != "":
		out.value = o.ValueString
	case o.ValueCodeableConcept != nil:
		out.value = o.ValueCodeableConcept.text()
	}
	for _, c := range o.Component {
		if out.value != "" {
			out.value += ", "
		}
		out.value += c.Code.text() + " " + c.ValueQuantity.text()
	}
	return out
}
