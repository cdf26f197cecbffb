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

func (l *codeList) parse(name string) (uint8, error) {
	for i, n := range l.names {
		if n == name {
			return uint8(i + 1), nil
		}
	}
	return 0, Refuse(CodeUnknownCode, "no such %s", l.what)
}

// String returns the code's published name.
func (r Role) String() string { return roleList.name(uint8(r)) }

// String returns the code's published name.
func (r Regime) String() string { return regimeList.name(uint8(r)) }

// String returns the code's published name.
func (p Purpose) String() string { return purposeList.name(uint8(p)) }

// String returns the code's published name.
func (b Basis) String() string { return basisList.name(uint8(b)) }

// String returns the code's published name.
func (m Method) String() string { return methodList.name(uint8(m)) }

// String returns the code's published name.
func (s Strength) String() string { return strengthList.name(uint8(s)) }

// String returns the code's published name.
func (h HandleClass) String() string { return handleClassList.name(uint8(h)) }

// String returns the code's published name.
func (a AuthorAction) String() string { return authorActionList.name(uint8(a)) }

// String returns the code's published name.
func (c CAAction) String() string { return caActionList.name(uint8(c)) }

// String returns the code's published name.
func (o OpenClose) String() string { return openCloseList.name(uint8(o)) }

// String returns the code's published name.
func (c ConsentAction) String() string { return consentActionList.name(uint8(c)) }

// String returns the code's published name.
func (a AccessAction) String() string { return accessActionList.name(uint8(a)) }

// String returns the code's published name.
func (o Outcome) String() string { return outcomeList.name(uint8(o)) }

// String returns the code's published name.
func (e ErasureStep) String() string { return erasureStepList.name(uint8(e)) }

// String returns the code's published name.
func (s Scope) String() string { return scopeList.name(uint8(s)) }

// String returns the code's published name.
func (h HoldAction) String() string { return holdActionList.name(uint8(h)) }

// String returns the code's published name.
func (p PolicyType) String() string { return policyTypeList.name(uint8(p)) }

// String returns the code's published name.
func (n NodeAction) String() string { return nodeActionList.name(uint8(n)) }

// ParseRole reads the published name of a role.
func ParseRole(name string) (Role, error) {
	code, err := roleList.parse(name)
	return Role(code), err
}

// ParseRegime reads the published name of a regime.
func ParseRegime(name string) (Regime, error) {
	code, err := regimeList.parse(name)
	return Regime(code), err
}

// ParsePurpose reads the published name of a purpose.
func ParsePurpose(name string) (Purpose, error) {
	code, err := purposeList.parse(name)
	return Purpose(code), err
}

// ParseBasis reads the published name of a basis.
func ParseBasis(name string) (Basis, error) {
	code, err := basisList.parse(name)
	return Basis(code), err
}

// ParseMethod reads the published name of a method.
func ParseMethod(name string) (Method, error) {
	code, err := methodList.parse(name)
	return Method(code), err
}

// ParseStrength reads the published name of a strength.
func ParseStrength(name string) (Strength, error) {
	code, err := strengthList.parse(name)
	return Strength(code), err
}

// ParseHandleClass reads the published name of a handle class.
func ParseHandleClass(name string) (HandleClass, error) {
	code, err := handleClassList.parse(name)
	return HandleClass(code), err
}

// ParseAuthorAction reads the published name of an author action.
func ParseAuthorAction(name string) (AuthorAction, error) {
	code, err := authorActionList.parse(name)
	return AuthorAction(code), err
}

// ParseCAAction reads the published name of a CA action.
func ParseCAAction(name string) (CAAction, error) {
	code, err := caActionList.parse(name)
	return CAAction(code), err
}

// ParseOpenClose reads the published name of an open close.
func ParseOpenClose(name string) (OpenClose, error) {
	code, err := openCloseList.parse(name)
	return OpenClose(code), err
}

// ParseConsentAction reads the published name of a consent action.
func ParseConsentAction(name string) (ConsentAction, error) {
	code, err := consentActionList.parse(name)
	return ConsentAction(code), err
}

// ParseAccessAction reads the published name of an access action.
func ParseAccessAction(name string) (AccessAction, error) {
	code, err := accessActionList.parse(name)
	return AccessAction(code), err
}

// ParseOutcome reads the published name of an outcome.
func ParseOutcome(name string) (Outcome, error) {
	code, err := outcomeList.parse(name)
	return Outcome(code), err
}

// ParseErasureStep reads the published name of an erasure step.
func ParseErasureStep(name string) (ErasureStep, error) {
	code, err := erasureStepList.parse(name)
	return ErasureStep(code), err
}

// ParseScope reads the published name of a scope.
func ParseScope(name string) (Scope, error) {
	code, err := scopeList.parse(name)
	return Scope(code), err
}

// ParseHoldAction reads the published name of a hold action.
func ParseHoldAction(name string) (HoldAction, error) {
	code, err := holdActionList.parse(name)
	return HoldAction(code), err
}

// ParsePolicyType reads the published name of a policy type.
func ParsePolicyType(name string) (PolicyType, error) {
	code, err := policyTypeList.parse(name)
	return PolicyType(code), err
}

// ParseNodeAction reads the published name of a node action.
func ParseNodeAction(name string) (NodeAction, error) {
	code, err := nodeActionList.parse(name)
	return NodeAction(code), err
}
