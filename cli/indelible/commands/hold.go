package commands

import (
	"github.com/spf13/cobra"

	"indelible/cli/indelible/session"
	"indelible/cli/say"
	"indelible/ledger/entry"
)

func newHold(a *app) *cobra.Command {
	return say.Group("hold", "Forbid the erasure of records while a legal hold lasts, as an officer",
		newHoldSet(a), newHoldRelease(a), newHoldConfirm(a))
}

func newHoldSet(a *app) *cobra.Command {
	var jurisdiction, class string
	cmd := &cobra.Command{
		Use:   "set HANDLE… --jurisdiction J --class clinical|identity|audit",
		Short: "Set a hold on records of the person behind the handles",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := entry.ParseClass(class)
			if err != nil {
				return say.Usage("give --class clinical, identity or audit", "--class %q is none", class)
			}
			handles, err := parseHandles(args)
			if err != nil {
				return err
			}
			return a.with(func(s *session.Session) error {
				signed, err := s.SignHold(jurisdiction, handles, c)
				if err == nil {
					err = a.keepSigned(signed)
				}
				if err != nil {
					return err
				}
				e, err := s.SetHold(cmd.Context(), signed)
				if err != nil {
					return err
				}
				return a.appended(e, "Release it, with two officers: indelible hold release "+e.Statement.ID().String()+" --jurisdiction "+jurisdiction)
			})
		},
	}
	cmd.Flags().StringVar(&jurisdiction, "jurisdiction", "", "jurisdiction of the handles")
	cmd.Flags().StringVar(&class, "class", "", "which records are held")
	return required(cmd, "jurisdiction", "class")
}

func newHoldRelease(a *app) *cobra.Command {
	sign := func(s *session.Session, jurisdiction string, set entry.StatementID) (*entry.Statement, error) {
		return s.SignRelease(jurisdiction, set)
	}
	note := func(s *entry.Statement) string {
		return confirmNote("officer", "hold", s) + " --jurisdiction " + s.Jurisdiction
	}
	return newHoldEnd(a, "release HOLD --jurisdiction J", "Release a hold; another officer has to confirm", sign, note)
}

func newHoldConfirm(a *app) *cobra.Command {
	sign := func(s *session.Session, jurisdiction string, release entry.StatementID) (*entry.Statement, error) {
		return s.SignConfirm(entry.KindHold, jurisdiction, release)
	}
	note := func(*entry.Statement) string { return "The hold is released." }
	return newHoldEnd(a, "confirm RELEASE --jurisdiction J", "Confirm, as another officer, the release of a hold", sign, note)
}

func newHoldEnd(
	a *app, use, short string,
	sign func(*session.Session, string, entry.StatementID) (*entry.Statement, error), note func(*entry.Statement) string,
) *cobra.Command {
	var jurisdiction string
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseStatementID(args[0])
			if err != nil {
				return err
			}
			return a.with(func(s *session.Session) error {
				statement, err := sign(s, jurisdiction, id)
				if err == nil {
					err = a.keepStatement(statement)
				}
				if err != nil {
					return err
				}
				e, err := s.ReleaseHold(cmd.Context(), statement)
				if err != nil {
					return err
				}
				return a.appended(e, note(statement))
			})
		},
	}
	cmd.Flags().StringVar(&jurisdiction, "jurisdiction", "", "jurisdiction of the hold")
	return required(cmd, "jurisdiction")
}
