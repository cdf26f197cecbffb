package entry

// The code lists of FORMATS §3. A code is a uint from 1 in the order
// named there; a new one is appended to its list, never inserted.

// Role is what an author may do. An author has one.
type Role uint8

const (
	RoleRegistrar      Role = 1 + iota // enrols authors, opens handles and bindings; named in genesis
	RoleOperator                       // adds, removes and recovers nodes
	RoleOfficer                        // holds, erasures, and consent given on paper
	RoleConsentService                 // records consent
	RoleService                        // hands in readings of devices and corrects under any binding or handle of its jurisdictions
	RoleNode                           // records accesses and executed erasures, opens handles of staff; comes by genesis and node entries only
	RoleDevice                         // signs readings and corrects its own
	RoleAuditor                        // reads the log, writes nothing
	RoleClinician                      // asks to see data, writes nothing itself
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
	RegimeGDPR  Regime = 1 + iota // Regulation (EU) 2016/679
	RegimeHIPAA                   // 45 CFR 160 and 164, United States
	RegimeDPDP                    // Digital Personal Data Protection Act 2023, India
)

// Purpose is why data is processed, HL7 v3-ActReason.
type Purpose uint8

const (
	PurposeTREAT     Purpose = 1 + iota // treatment
	PurposeHPAYMT                       // healthcare payment
	PurposeHOPERAT                      // healthcare operations
	PurposeETREAT                       // emergency treatment
	PurposePUBHLTH                      // public health
	PurposeHRESCH                       // healthcare research
	PurposePATRQT                       // asked for by the patient
	PurposeHSYSADMIN                    // administration of the health system
	PurposeHLEGAL                       // legal proceedings
)

// Basis is the legal ground of a consent entry.
type Basis uint8

const (
	BasisExplicitConsent            Basis = 1 + iota // of the person
	BasisVitalInterests                              // of the person or another
	BasisLegalObligation                             // of whoever processes
	BasisPublicInterest                              // a task in it
	BasisProvisionOfCare                             // diagnosis, treatment, care
	BasisPublicHealth                                // protection of it
	BasisResearch                                    // under its safeguards
	BasisTreatmentPaymentOperations                  // HIPAA: needs no authorization
	BasisAuthorization                               // HIPAA: signed by the person
	BasisLegitimateUse                               // DPDP: a use the act names
)

// Method is how a node destroyed a key.
type Method uint8

const (
	MethodOverwriteUnlink     Method = 1 + iota // the file was overwritten and unlinked
	MethodHSMDestroy                            // a hardware security module destroyed it
	MethodKMSDestroyConfirmed                   // a key management service says it is destroyed
	MethodKMSDestroyScheduled                   // a key management service will destroy it
	MethodTPMClear                              // the trusted platform module was cleared
)

// Strength is how far a destruction can be relied on.
type Strength uint8

const (
	StrengthBestEffort        Strength = 1 + iota // copies beneath the file system may survive
	StrengthHardware                              // hardware held the key and has destroyed it
	StrengthExternalConfirmed                     // somebody else says that it is done
	StrengthExternalScheduled                     // somebody else says that it will be done
)

// HandleClass is what a handle stands for.
type HandleClass uint8

const (
	HandleSubject      HandleClass = 1 + iota // a person whose data is kept
	HandleStaff                               // a person who accesses data
	HandleDevice                              // a device with a key of its own, not of a person
	HandleOrganisation                        // an institution
)

// AuthorAction is what an author entry does to a key.
type AuthorAction uint8

const (
	AuthorEnrol   AuthorAction = 1 + iota // the key becomes an author
	AuthorSuspend                         // until resumed, nothing it signs is accepted
	AuthorResume                          // ends a suspension
	AuthorRevoke                          // final
)

// CAAction is what a ca entry does to a device CA key.
type CAAction uint8

const (
	CAActivate CAAction = 1 + iota // certifications by the key count
	CAWithdraw                     // they no longer do
)

// OpenClose is what a handle or binding entry does.
type OpenClose uint8

const (
	ActionOpen  OpenClose = 1 + iota // once
	ActionClose                      // once, and final
)

// ConsentAction is what a consent entry does.
type ConsentAction uint8

const (
	ConsentGrant    ConsentAction = 1 + iota // for the purposes named
	ConsentWithdraw                          // for the purposes named
)

// AccessAction is what was done, or tried, with data.
type AccessAction uint8

const (
	AccessRead       AccessAction = 1 + iota // records of one subject
	AccessSearch                             // over subjects
	AccessExport                             // records leave in bulk
	AccessCount                              // numbers only
	AccessLookup                             // a handle, by an identifier of the person
	AccessReport                             // a report about accesses
	AccessBreakGlass                         // in an emergency, against a refusal
)

// Outcome is what was decided about an access.
type Outcome uint8

const (
	OutcomePermit Outcome = 1 + iota // it was allowed, and data may have been shown
	OutcomeDeny                      // a rule forbids it
	OutcomeFail                      // allowed, and impossible: for instance because the keys are destroyed
)

// ErasureStep is one step in the life of an erasure.
type ErasureStep uint8

const (
	StepRequest  ErasureStep = 1 + iota // by an officer
	StepApprove                         // by another officer; the grace period runs from here
	StepCancel                          // by an officer, before the grace period ends
	StepExecuted                        // by a node: it has destroyed its keys
	StepLost                            // by an officer: a node is gone with its keys
	StepComplete                        // by a node: every node placed in the jurisdiction has executed or is lost
)

// Scope is how much an erasure takes.
type Scope uint8

const (
	ScopeIdentity Scope = 1 + iota // who the person is; clinical data stays
	ScopeAll                       // everything about the person
)

// HoldAction is what a hold entry does.
type HoldAction uint8

const (
	HoldSet     HoldAction = 1 + iota // no erasure is executed while it stands
	HoldRelease                       // takes two officers
)

// PolicyType is what a policy entry activates.
type PolicyType uint8

const (
	PolicyBundle   PolicyType = 1 + iota // a bundle of access rules
	PolicyCodeList                       // a list of codes
)

// NodeAction is what a node entry says of a node.
type NodeAction uint8

const (
	NodeAdded     NodeAction = 1 + iota // with its keys and jurisdictions
	NodeRemoved                         // its cosignatures no longer count
	NodeRecovered                       // it came back after a loss, with the range of positions concerned
	NodeKeys                            // its keys change
)
