package entry

import (
	"errors"
	"fmt"
	"testing"

	"indelible/test/seed"
)

func TestRefusalIsComparedByCode(t *testing.T) {
	err := fmt.Errorf("append: %w", Refuse(CodeWrongLog, "log %s", LogID{}))
	if !errors.Is(err, &Refusal{Code: CodeWrongLog}) {
		t.Error("not found by its code")
	}
	if errors.Is(err, &Refusal{Code: CodeMalformed}) || errors.Is(err, errors.New("WRONG_LOG")) {
		t.Error("found by another")
	}
	if _, ok := Meaning("NO_SUCH_CODE"); ok {
		t.Error("a code that is none has a meaning")
	}
	rows := Codes()
	rows[0].Next = "changed"
	if Codes()[0].Next == "changed" {
		t.Error("a caller can change the table")
	}
}

func TestCodeNamesRoundTrip(t *testing.T) {
	checkCodes(t, &roleList, ParseRole)
	checkCodes(t, &regimeList, ParseRegime)
	checkCodes(t, &purposeList, ParsePurpose)
	checkCodes(t, &basisList, ParseBasis)
	checkCodes(t, &methodList, parserOf[Method](&methodList))
	checkCodes(t, &strengthList, parserOf[Strength](&strengthList))
	checkCodes(t, &handleClassList, ParseHandleClass)
	checkCodes(t, &authorActionList, parserOf[AuthorAction](&authorActionList))
	checkCodes(t, &caActionList, parserOf[CAAction](&caActionList))
	checkCodes(t, &openCloseList, parserOf[OpenClose](&openCloseList))
	checkCodes(t, &consentActionList, parserOf[ConsentAction](&consentActionList))
	checkCodes(t, &accessActionList, parserOf[AccessAction](&accessActionList))
	checkCodes(t, &outcomeList, parserOf[Outcome](&outcomeList))
	checkCodes(t, &erasureStepList, parserOf[ErasureStep](&erasureStepList))
	checkCodes(t, &scopeList, ParseScope)
	checkCodes(t, &holdActionList, parserOf[HoldAction](&holdActionList))
	checkCodes(t, &policyTypeList, parserOf[PolicyType](&policyTypeList))
	checkCodes(t, &nodeActionList, parserOf[NodeAction](&nodeActionList))
	checkCodes(t, &classList, ParseClass)
}

func parserOf[T ~uint8](list *codeList) func(string) (T, error) {
	return func(name string) (T, error) { return parseCode[T](list, name) }
}

func checkCodes[T interface {
	~uint8
	fmt.Stringer
}](t *testing.T, list *codeList, parse func(string) (T, error)) {
	t.Helper()
	for i, name := range list.names {
		got, err := parse(name)
		if err != nil || got != T(i+1) || got.String() != name {
			t.Errorf("%s %q: %d, %v", list.what, name, got, err)
		}
	}
	for _, bad := range []T{0, T(len(list.names) + 1)} {
		if _, err := parse(bad.String()); err == nil {
			t.Errorf("%s %s has a code", list.what, bad)
		}
	}
}

// TestCodeOrder nails the codes to the order of FORMATS §3: a code that
// moved would change the meaning of what is logged.
func TestCodeOrder(t *testing.T) {
	for _, v := range []struct {
		got  uint8
		want uint8
	}{
		{uint8(RoleRegistrar), 1}, {uint8(RoleOfficer), 3}, {uint8(RoleConsentService), 4}, {uint8(RoleNode), 6}, {uint8(RoleDevice), 7}, {uint8(RoleClinician), 9},
		{uint8(RegimeGDPR), 1}, {uint8(RegimeDPDP), 3}, {uint8(PurposeTREAT), 1}, {uint8(PurposeHRESCH), 6}, {uint8(PurposeHLEGAL), 9},
		{uint8(BasisExplicitConsent), 1}, {uint8(BasisResearch), 7}, {uint8(BasisLegitimateUse), 10}, {uint8(MethodOverwriteUnlink), 1}, {uint8(MethodTPMClear), 5},
		{uint8(StrengthBestEffort), 1}, {uint8(StrengthExternalScheduled), 4}, {uint8(HandleSubject), 1}, {uint8(HandleOrganisation), 4},
		{uint8(AuthorEnrol), 1}, {uint8(AuthorRevoke), 4}, {uint8(CAActivate), 1}, {uint8(ActionClose), 2}, {uint8(ConsentWithdraw), 2},
		{uint8(AccessRead), 1}, {uint8(AccessLookup), 5}, {uint8(AccessBreakGlass), 7}, {uint8(OutcomePermit), 1}, {uint8(OutcomeFail), 3},
		{uint8(StepRequest), 1}, {uint8(StepExecuted), 4}, {uint8(StepLost), 5}, {uint8(StepComplete), 6}, {uint8(ScopeIdentity), 1}, {uint8(ScopeAll), 2},
		{uint8(HoldSet), 1}, {uint8(HoldRelease), 2}, {uint8(PolicyBundle), 1}, {uint8(PolicyCodeList), 2},
		{uint8(NodeAdded), 1}, {uint8(NodeRemoved), 2}, {uint8(NodeRecovered), 3}, {uint8(NodeKeys), 4},
		{uint8(ClassClinical), 1}, {uint8(ClassIdentity), 2}, {uint8(ClassAudit), 3}, {uint8(ClassSeries), 4},
	} {
		if v.got != v.want {
			t.Errorf("a code is %d, want %d", v.got, v.want)
		}
	}
}

func TestKindNamesRoundTrip(t *testing.T) {
	for _, k := range Kinds() {
		if got, err := ParseKind(k.String()); err != nil || got != k {
			t.Errorf("%s: %v, %v", k, got, err)
		}
	}
	for _, name := range []string{"", "readings", "Reading", "kind(0)"} {
		if _, err := ParseKind(name); codeOf(err) != CodeUnknownKind {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"opaque", "agreement", "incident", "release"} {
		if _, err := ParseKind(name); codeOf(err) != CodeKindNotYet {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestIdentifiersRoundTrip(t *testing.T) {
	c := chance{seed.Rand(t)}
	for range 50 {
		checkID(t, StatementID(c.id32()), ParseStatementID)
		checkID(t, AuthorID(c.id32()), ParseAuthorID)
		checkID(t, LogID(c.id32()), ParseLogID)
		checkID(t, Hash(c.id32()), ParseHash)
		checkID(t, Handle(c.id16()), ParseHandle)
		checkID(t, BindingID(c.id16()), ParseBindingID)
		checkID(t, RequestID(c.id16()), ParseRequestID)
	}
}

func checkID[T interface {
	comparable
	fmt.Stringer
}](t *testing.T, id T, parse func(string) (T, error)) {
	t.Helper()
	s := id.String()
	if got, err := parse(s); err != nil || got != id {
		t.Errorf("%s: %v, %v", s, got, err)
	}
	for _, bad := range []string{"", s[1:], s + "00", "G" + s[1:], " " + s[1:], "A" + s[1:]} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%T accepts %q", id, bad)
		}
	}
}
