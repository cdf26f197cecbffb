package entry

// The code lists of FORMATS §3. A code is a uint from 1 in the order
// named there; a new one is appended to its list, never inserted.

// Role is what an author may do. An author has one.
type Role uint8

const (
	RoleRegistrar Role = 1 + iota
	RoleOperator
	RoleOfficer
	RoleConsentService
	RoleService
	RoleNode
	RoleDevice
	RoleAuditor
	RoleClinician
)

// NeedsTwo reports whether the role is given, and given back after a suspension, by
// two registrars only (FORMATS §3).
func (r Role) NeedsTwo() bool {
	switch r {
	case RoleRegistrar, RoleOperator, RoleOfficer, RoleConsentService:
		return true
	}
	return false
}

// Regime is a body of law.
type Regime uint8

const (
	RegimeGDPR Regime = 1 + iota
	RegimeHIPAA
	RegimeDPDP
)

// Purpose is why data is processed, HL7 v3-ActReason.
type Purpose uint8

const (
	PurposeTREAT Purpose = 1 + iota
	PurposeHPAYMT
	PurposeHOPERAT
	PurposeETREAT
	PurposePUBHLTH
	PurposeHRESCH
	PurposePATRQT
	PurposeHSYSADMIN
	PurposeHLEGAL
)

// Basis is the legal ground of a consent entry.
type Basis uint8

const (
	BasisExplicitConsent Basis = 1 + iota
	BasisVitalInterests
	BasisLegalObligation
	BasisPublicInterest
	BasisProvisionOfCare
	BasisPublicHealth
	BasisResearch
	BasisTreatmentPaymentOperations
	BasisAuthorization
	BasisLegitimateUse
)

// Method is how a node destroyed a key.
type Method uint8

const (
	MethodOverwriteUnlink Method = 1 + iota
	MethodHSMDestroy
	MethodKMSDestroyConfirmed
	MethodKMSDestroyScheduled
	MethodTPMClear
)

// Strength is how far a destruction can be relied on.
type Strength uint8

const (
	StrengthBestEffort Strength = 1 + iota
	StrengthHardware
	StrengthExternalConfirmed
	StrengthExternalScheduled
)

// HandleClass is what a handle stands for.
type HandleClass uint8

const (
	HandleSubject HandleClass = 1 + iota
	HandleStaff
	HandleDevice
	HandleOrganisation
)

// AuthorAction is what an author entry does to a key.
type AuthorAction uint8

const (
	AuthorEnrol AuthorAction = 1 + iota
	AuthorSuspend
	AuthorResume
	AuthorRevoke
)

// CAAction is what a ca entry does to a device CA key.
type CAAction uint8

const (
	CAActivate CAAction = 1 + iota
	CAWithdraw
)

// OpenClose is what a handle or binding entry does.
type OpenClose uint8

const (
	ActionOpen OpenClose = 1 + iota
	ActionClose
)

// ConsentAction is what a consent entry does.
type ConsentAction uint8

const (
	ConsentGrant ConsentAction = 1 + iota
	ConsentWithdraw
)

// AccessAction is what was done, or tried, with data.
type AccessAction uint8

const (
	AccessRead AccessAction = 1 + iota
	AccessSearch
	AccessExport
	AccessCount
	AccessLookup
	AccessReport
	AccessBreakGlass
)

// Outcome is what was decided about an access.
type Outcome uint8

const (
	OutcomePermit Outcome = 1 + iota
	OutcomeDeny
	OutcomeFail
)

// ErasureStep is one step in the life of an erasure.
type ErasureStep uint8

const (
	StepRequest ErasureStep = 1 + iota
	StepApprove
	StepCancel
	StepExecuted
	StepLost
	StepComplete
)

// Scope is how much an erasure takes.
type Scope uint8

const (
	ScopeIdentity Scope = 1 + iota
	ScopeAll
)

// HoldAction is what a hold entry does.
type HoldAction uint8

const (
	HoldSet HoldAction = 1 + iota
	HoldRelease
)

// PolicyType is what a policy entry activates.
type PolicyType uint8

const (
	PolicyBundle PolicyType = 1 + iota
	PolicyCodeList
)

// NodeAction is what a node entry says of a node.
type NodeAction uint8

const (
	NodeAdded NodeAction = 1 + iota
	NodeRemoved
	NodeRecovered
	NodeKeys
)
