package commands

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
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

func newVerifyReceipt(a *app) *cobra.Command {
	var statement, receipt, dir string
	cmd := &cobra.Command{
		Use:   "receipt --statement FILE.cose --receipt FILE.tlog-proof | --dir DIR",
		Short: "Verify that a statement you hold is in the log",
		Long: `Verify a receipt offline. The check starts from the statement in your own hands: the leaf is built
from it and the receipt's ledger time, the path leads to the checkpoint's root, the checkpoint carries
the log's signature and those of enough nodes by the policy. With --dir every FILE.cose in a folder
is verified with the FILE.tlog-proof beside it; one without the other is a failure.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			policy, err := a.policy(cmd)
			if err != nil {
				return err
			}
			switch {
			case dir != "" && statement == "" && receipt == "":
				return a.verifyDir(cmd, policy, dir)
			case dir == "" && statement != "":
				return a.verifyOne(policy, statement, receipt)
			}
			return say.Usage("see indelible verify receipt --help", "give --statement and --receipt, or --dir")
		},
	}
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
	return a.Result(out, func(w io.Writer) error {
		return say.Pairs(w, [2]string{"verified", "the statement is in the log"},
			[2]string{"entry", strconv.FormatUint(out.Index, 10)}, [2]string{"ledger time", clock(out.LedgerTime)},
			[2]string{"kind", out.Kind}, [2]string{"statement", out.StatementID},
			[2]string{"log", fmt.Sprintf("%s, %d entries, root %s", proven.Checkpoint.Origin, out.Size, out.Root)},
			[2]string{"cosigned by", strings.Join(out.CosignedBy, ", ")})
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
	next := "fetch it again; if that does not help, tell whoever answers for the log"
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			next = r.next
			break
		}
	}
	p := say.Refused("NOT_VERIFIED", "the proof in "+file+" does not verify: "+err.Error(), "nothing is proved", next)
	p.Err = err
	return p
}

func newVerifyGrowth(a *app) *cobra.Command {
	var older, growth string
	cmd := &cobra.Command{
		Use:   "growth --old CHECKPOINT --growth FILE",
		Short: "Verify that a newer log begins with all of an older one",
		Long: `Verify offline that the log only grew: the older checkpoint is one you kept, the growth file was
written by indelible checkpoint --since OLD --growth FILE and holds the newer checkpoint.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			policy, err := a.policy(cmd)
			if err != nil {
				return err
			}
			return a.verifyGrowth(policy, older, growth)
		},
	}
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
	return a.Result(out, func(w io.Writer) error {
		if err := writeCheckpoint(w, out); err != nil {
			return err
		}
		_, err := fmt.Fprintln(w, "verified: the older log is a prefix of this one")
		return err
	})
}
