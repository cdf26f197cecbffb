package entry

import "strconv"

// codeList holds the names of one code list, in order; code i+1 has name i.
type codeList struct {
	what  string
	names []string
}

var (
	roleList          = codeList{"role", []string{"registrar", "operator", "officer", "consent-service", "service", "node", "device", "auditor", "clinician"}}
	regimeList        = codeList{"regime", []string{"gdpr", "hipaa", "dpdp"}}
	purposeList       = codeList{"purpose", []string{"TREAT", "HPAYMT", "HOPERAT", "ETREAT", "PUBHLTH", "HRESCH", "PATRQT", "HSYSADMIN", "HLEGAL"}}
	basisList         = codeList{"basis", []string{"explicit-consent", "vital-interests", "legal-obligation", "public-interest", "provision-of-care", "public-health", "research", "treatment-payment-operations", "authorization", "legitimate-use"}}
	methodList        = codeList{"method", []string{"overwrite-and-unlink", "hsm-destroy", "kms-destroy-confirmed", "kms-destroy-scheduled", "tpm-clear"}}
	strengthList      = codeList{"strength", []string{"best-effort", "hardware", "external-confirmed", "external-scheduled"}}
	handleClassList   = codeList{"handle class", []string{"subject", "staff", "device", "organisation"}}
	authorActionList  = codeList{"author action", []string{"enrol", "suspend", "resume", "revoke"}}
	caActionList      = codeList{"CA action", []string{"activate", "withdraw"}}
	openCloseList     = codeList{"open close", []string{"open", "close"}}
	consentActionList = codeList{"consent action", []string{"grant", "withdraw"}}
	accessActionList  = codeList{"access action", []string{"read", "search", "export", "count", "lookup", "report", "break-glass"}}
	outcomeList       = codeList{"outcome", []string{"permit", "deny", "fail"}}
	erasureStepList   = codeList{"erasure step", []string{"request", "approve", "cancel", "executed", "lost", "complete"}}
	scopeList         = codeList{"scope", []string{"identity", "all"}}
	holdActionList    = codeList{"hold action", []string{"set", "release"}}
	policyTypeList    = codeList{"policy type", []string{"bundle", "code-list"}}
	nodeActionList    = codeList{"node action", []string{"added", "removed", "recovered", "keys"}}
)

func (l *codeList) valid(code uint64) bool { return code >= 1 && code <= uint64(len(l.names)) }

func (l *codeList) name(code uint8) string {
	if !l.valid(uint64(code)) {
		return l.what + "(" + strconv.Itoa(int(code)) + ")"
	}
	return l.names[code-1]
}

func parseCode[C ~uint8](l *codeList, name string) (C, error) {
	for i, n := range l.names {
		if n == name {
			return C(i + 1), nil
		}
	}
	return 0, Refuse(CodeUnknownCode, "no such %s", l.what)
}

// String returns the published name of FORMATS §3.3, or as "role(17)" a number that is
// not in the list; so it is with every code below.
func (r Role) String() string          { return roleList.name(uint8(r)) }
func (r Regime) String() string        { return regimeList.name(uint8(r)) }
func (p Purpose) String() string       { return purposeList.name(uint8(p)) }
func (b Basis) String() string         { return basisList.name(uint8(b)) }
func (m Method) String() string        { return methodList.name(uint8(m)) }
func (s Strength) String() string      { return strengthList.name(uint8(s)) }
func (h HandleClass) String() string   { return handleClassList.name(uint8(h)) }
func (a AuthorAction) String() string  { return authorActionList.name(uint8(a)) }
func (c CAAction) String() string      { return caActionList.name(uint8(c)) }
func (o OpenClose) String() string     { return openCloseList.name(uint8(o)) }
func (c ConsentAction) String() string { return consentActionList.name(uint8(c)) }
func (a AccessAction) String() string  { return accessActionList.name(uint8(a)) }
func (o Outcome) String() string       { return outcomeList.name(uint8(o)) }
func (e ErasureStep) String() string   { return erasureStepList.name(uint8(e)) }
func (s Scope) String() string         { return scopeList.name(uint8(s)) }
func (h HoldAction) String() string    { return holdActionList.name(uint8(h)) }
func (p PolicyType) String() string    { return policyTypeList.name(uint8(p)) }
func (n NodeAction) String() string    { return nodeActionList.name(uint8(n)) }

// ParseRole reads the published name of a role.
func ParseRole(name string) (Role, error) { return parseCode[Role](&roleList, name) }

// ParseRegime reads the published name of a regime.
func ParseRegime(name string) (Regime, error) { return parseCode[Regime](&regimeList, name) }

// ParsePurpose reads the published name of a purpose.
func ParsePurpose(name string) (Purpose, error) { return parseCode[Purpose](&purposeList, name) }

// ParseBasis reads the published name of a basis.
func ParseBasis(name string) (Basis, error) { return parseCode[Basis](&basisList, name) }

// ParseHandleClass reads the published name of a handle class.
func ParseHandleClass(name string) (HandleClass, error) {
	return parseCode[HandleClass](&handleClassList, name)
}

// ParseScope reads the published name of a scope.
func ParseScope(name string) (Scope, error) { return parseCode[Scope](&scopeList, name) }
