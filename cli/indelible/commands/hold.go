package commands

import (
	"github.com/spf13/cobra"

	"indelible/cli/say"
	"indelible/ledger/entry"
)

func newHold(a *app) *cobra.Command {
	return say.Group("hold", "Forbid the erasure of records while a legal hold lasts, as an officer",
		newHoldSet(a),
		newHoldEnd(a, "release HOLD --jurisdiction J", "Release a hold; another officer has to confirm",
			func(jurisdiction string, set entry.StatementID) *written {
				return &written{
					draft: entry.Draft{Body: &entry.Hold{Action: entry.HoldRelease, Set: set}},
					note:  confirmNote("officer", "hold") + " --jurisdiction " + jurisdiction,
				}
			}),
		newHoldEnd(a, "confirm RELEASE --jurisdiction J", "Confirm, as another officer, the release of a hold",
			func(_ string, release entry.StatementID) *written {
				return &written{draft: entry.Draft{Confirms: &release}, note: "The hold is released."}
			}))
}

func newHoldSet(a *app) *cobra.Command {
	var jurisdiction, class string
	cmd := a.writes("set HANDLE… --jurisdiction J --class clinical|identity|audit", "Set a hold on records of the person behind the handles", "",
		cobra.MinimumNArgs(1), func(args []string) (*written, error) {
			c, err := entry.ParseClass(class)
			if err != nil {
				return nil, say.Usage("give --class clinical, identity or audit", "--class %q is none", class)
			}
			handles, err := each(parseHandle, args)
			if err != nil {
				return nil, err
			}
			content, err := (&entry.HoldTarget{Handles: handles, Class: c}).EncodeContent()
			if err != nil {
				return nil, say.Local(err, "the hold cannot be written down", "give each handle once")
			}
			return &written{
				draft:  entry.Draft{Kind: entry.KindHold, Jurisdiction: jurisdiction, Body: &entry.Hold{Action: entry.HoldSet}},
				sealed: sealedCBOR(entry.ClassSeries, content),
				note:   "Release it, with two officers: indelible hold release {id} --jurisdiction " + jurisdiction,
			}, nil
		})
	cmd.Flags().StringVar(&class, "class", "", "which records are held")
	return required(inJurisdiction(cmd, &jurisdiction, "of the handles"), "class")
}

// newHoldEnd is a step towards the end of a hold; of makes it.
func newHoldEnd(a *app, use, short string, of func(jurisdiction string, id entry.StatementID) *written) *cobra.Command {
	var jurisdiction string
	cmd := a.writes(use, short, "", cobra.ExactArgs(1), func(args []string) (*written, error) {
		id, err := parseStatementID(args[0])
		w := of(jurisdiction, id)
		w.draft.Kind, w.draft.Jurisdiction = entry.KindHold, jurisdiction
		return w, err
	})
	return inJurisdiction(cmd, &jurisdiction, "of the hold")
}
