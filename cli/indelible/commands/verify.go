package commands

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"indelible/api/client"
	"indelible/api/client/credential"
	"indelible/cli/say"
	"indelible/ledger/entry"
	"indelible/proof"
)

func newVerify(a *app) *cobra.Command {
	cmd := say.Group("verify", "Verify receipts, growth and whole logs, believing nobody but the pinned policy",
		newVerifyReceipt(a), newVerifyGrowth(a), newVerifyLog(a))
	cmd.PersistentFlags().String("policy", "", "policy file to believe (default: policy.txt of the credential)")
	return cmd
}

// policy reads the pinned policy: --policy, or that of the credential.
func (a *app) policy(cmd *cobra.Command) (*proof.Policy, error) {
	path, err := cmd.Flags().GetString("policy")
	if err != nil {
		return nil, fmt.Errorf("read --policy: %w", err)
	}
	if path == "" && a.settings.Credentials == "" {
		return nil, say.Usage("name one with --policy, or a credential with --credentials", "without a policy there is nothing to believe")
	}
	if path == "" {
		path = filepath.Join(a.settings.Credentials, credential.PolicyFile)
	}
	policy, err := credential.ReadPolicy(path)
	if err != nil {
		return nil, say.Usage("name the policy file you were given when you joined", "the policy cannot be read: %v", err)
	}
	return policy, nil
}

// jsonVerified is a receipt that verified.
type jsonVerified struct {
	jsonEntry
	Size       uint64   `json:"size"`
	Root       string   `json:"root"`
	CosignedBy []string `json:"cosigned_by"`
	Earliest   uint64   `json:"earliest_cosignature_s"`
	Latest     uint64   `json:"latest_cosignature_s"`
}

// verifies makes a command that believes nothing but the pinned policy.
func (a *app) verifies(use, short, long string, verify func(context.Context, *proof.Policy) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Long: long, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		policy, err := a.policy(cmd)
		if err != nil {
			return err
		}
		return verify(cmd.Context(), policy)
	}}
}

func newVerifyReceipt(a *app) *cobra.Command {
	var statement, receipt, dir string
	cmd := a.verifies("receipt --statement FILE.cose --receipt FILE.tlog-proof | --dir DIR", "Verify that a statement you hold is in the log",
		`Verify a receipt offline. The check starts from the statement in your own hands: the leaf is built
from it and the receipt's ledger time, the path leads to the checkpoint's root, the checkpoint carries
the log's signature and those of enough nodes by the policy. With --dir every FILE.cose in a folder
is verified with the FILE.tlog-proof beside it; one without the other is a failure.`,
		func(ctx context.Context, policy *proof.Policy) error {
			switch {
			case dir != "" && statement == "" && receipt == "":
				return a.verifyDir(ctx, policy, dir)
			case dir == "" && statement != "":
				return a.verifyOne(policy, statement, receipt)
			}
			return say.Usage("see indelible verify receipt --help", "give --statement and --receipt, or --dir")
		})
	cmd.Flags().StringVar(&statement, "statement", "", "what was signed")
	cmd.Flags().StringVar(&receipt, "receipt", "", "its receipt (default: beside the statement)")
	cmd.Flags().StringVar(&dir, "dir", "", "folder of statements and receipts")
	return cmd
}

func (a *app) verifyOne(policy *proof.Policy, statementFile, receiptFile string) error {
	if receiptFile == "" {
		receiptFile = strings.TrimSuffix(statementFile, client.StatementSuffix) + client.ReceiptSuffix
	}
	statement, proven, err := verifyPair(proof.NewVerifier(policy), statementFile, receiptFile)
	if err != nil {
		return err
	}
	out := jsonVerified{
		jsonEntry: jsonEntry{
			StatementID: statement.ID().String(), Kind: statement.Kind.String(), Index: proven.Index, LedgerTime: proven.LedgerTime,
		},
		Size: proven.Checkpoint.Size, Root: proven.Checkpoint.Root.String(), CosignedBy: proven.CosignedBy,
		Earliest: proven.Earliest, Latest: proven.Latest,
	}
	return a.Result(out, func(p *say.Page) {
		p.Row("verified", "the statement is in the log")
		p.Row("entry", out.Index)
		p.Row("ledger time", clock(out.LedgerTime))
		p.Row("kind", out.Kind)
		p.Row("statement", out.StatementID)
		p.Row("log", fmt.Sprintf("%s, %d entries, root %s", proven.Checkpoint.Origin, out.Size, out.Root))
		p.Row("cosigned by", strings.Join(out.CosignedBy, ", "))
	})
}

// verifyPair verifies a statement's file against its receipt's.
func verifyPair(v *proof.Verifier, statementFile, receiptFile string) (*entry.Statement, *proof.Proven, error) {
	statement, err := readStatement(statementFile)
	if err != nil {
		return nil, nil, err
	}
	raw, err := readFile(receiptFile, "a receipt (.tlog-proof)")
	if err != nil {
		return nil, nil, err
	}
	receipt, err := proof.ParseReceipt(raw)
	if err != nil {
		return nil, nil, notVerified(receiptFile, err)
	}
	proven, err := v.Verify(statement, receipt)
	if err != nil {
		return nil, nil, notVerified(receiptFile, err)
	}
	return statement, proven, nil
}

// reasons are the sentences that go with why a proof fails.
var reasons = []struct {
	err  error
	next string
}{
	{proof.ErrRoot, "the statement is not the one the receipt is for, or one of them was altered; if both are as you received them, keep them as evidence"},
	{proof.ErrLogID, "use the policy of the log the statement was signed for"},
	{proof.ErrOrigin, "use the policy of the log the file is of"},
	{proof.ErrQuorum, "fetch a newer receipt, for too few nodes had signed this checkpoint; or use the policy file that counts the kind of signature it carries"},
	{proof.ErrSizeBounds, "use the policy file that covers this size: keys have changed"},
	{proof.ErrSignature, "the checkpoint was not signed by this log, or was altered: do not use it"},
	{proof.ErrEncoding, "the file was altered or cut short: fetch it again"},
}

func notVerified(file string, err error) error {
	next := nextOf(err)
	if next == "" {
		next = "fetch it again; if that does not help, tell whoever answers for the log"
	}
	return say.Refused("NOT_VERIFIED", "the proof in "+file+" does not verify: "+err.Error(), "nothing is proved", next).Because(err)
}

// nextOf is the sentence for an error of a proof; "" for any other.
func nextOf(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.next
		}
	}
	return ""
}

func newVerifyGrowth(a *app) *cobra.Command {
	var older, growth string
	cmd := a.verifies("growth --old CHECKPOINT --growth FILE", "Verify that a newer log begins with all of an older one",
		`Verify offline that the log only grew: the older checkpoint is one you kept, the growth file was
written by indelible checkpoint --since OLD --growth FILE and holds the newer checkpoint.`,
		func(_ context.Context, policy *proof.Policy) error { return a.verifyGrowth(policy, older, growth) })
	cmd.Flags().StringVar(&older, "old", "", "signed checkpoint you kept")
	cmd.Flags().StringVar(&growth, "growth", "", "proof of growth, with the newer checkpoint")
	return required(cmd, "old", "growth")
}

func (a *app) verifyGrowth(policy *proof.Policy, olderFile, growthFile string) error {
	older, err := readFile(olderFile, "a file with a signed checkpoint")
	if err != nil {
		return err
	}
	raw, err := readFile(growthFile, "a proof of growth")
	if err != nil {
		return err
	}
	_, path, newer, err := parseGrowth(raw)
	if err != nil {
		return notVerified(growthFile, fmt.Errorf("%w: %w", proof.ErrEncoding, err))
	}
	if _, err := policy.VerifyCheckpoint(older); err != nil {
		return notVerified(olderFile, err)
	}
	if err := proof.VerifyGrowth(policy, older, newer, path); err != nil {
		return notVerified(growthFile, err)
	}
	verified, err := policy.VerifyCheckpoint(newer)
	if err != nil {
		return say.NotProven(err)
	}
	out := toCheckpoint(verified)
	out.Grown = true
	return a.Result(out, func(p *say.Page) {
		out.show(p)
		p.Line("verified: the older log is a prefix of this one")
	})
}
