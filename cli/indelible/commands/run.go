package commands

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"indelible/cli/say"
)

// Run is the program without the process around it: it returns the exit code.
func Run(ctx context.Context, args []string, out, remarks io.Writer) int {
	a := &app{Printer: say.NewPrinter(out, remarks)}
	root := say.Group("indelible", "Write to, read from and verify an erasable ledger for health data",
		newAuthor(a), newCA(a), newDevice(a), newSubject(a), newIngest(a), newAppend(a),
		newGet(a), newReceipt(a), newCheckpoint(a), newVerify(a),
		newRead(a), newConsent(a), newErase(a), newHold(a), newStatus(a))
	root.Long = `indelible writes to, reads from and verifies an Indelible log.

Every command but verify speaks as somebody: name the folder of a credential with --credentials
(made by indelibled init). It holds the key, the log's identity and the policy that says which
checkpoints to believe; nothing a server says replaces them.

Exit codes: 0 done, 1 refused or does not verify, 2 wrong use, 3 no answer. With --output json the
result is one JSON value on standard output, and an error the last line of standard error.`
	root.Version = say.Version()
	a.settingFlags(root)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return a.load(cmd) }
	return say.Execute(ctx, root, a.Printer, args)
}
