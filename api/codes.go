package api

import (
	"connectrpc.com/connect"

	"indelible/ledger/entry"
)

// The codes of the edge: what can be wrong with a call rather than with a
// statement. They are as much a contract as those of package entry.
const (
	CodeNoCertificate         entry.Code = "NO_CERTIFICATE"
	CodeCertificateExpired    entry.Code = "CERTIFICATE_EXPIRED"
	CodeCallerUnknown         entry.Code = "CALLER_UNKNOWN"
	CodeCallerSuspended       entry.Code = "CALLER_SUSPENDED"
	CodeCallerRevoked         entry.Code = "CALLER_REVOKED"
	CodeCallerForbidden       entry.Code = "CALLER_FORBIDDEN"
	CodeCallerJurisdiction    entry.Code = "CALLER_JURISDICTION"
	CodeJurisdictionMissing   entry.Code = "JURISDICTION_MISSING"
	CodeJurisdictionMalformed entry.Code = "JURISDICTION_MALFORMED"
	CodeNotPlacedHere         entry.Code = "NOT_PLACED_HERE"
	CodeUnknownRPC            entry.Code = "UNKNOWN_RPC"
	CodeRequestMalformed      entry.Code = "REQUEST_MALFORMED"
	CodeRequestIncomplete     entry.Code = "REQUEST_INCOMPLETE"
	CodeRequestCompressed     entry.Code = "REQUEST_COMPRESSED"
	CodeRequestInvalid        entry.Code = "REQUEST_INVALID"
	CodeRequestTooLarge       entry.Code = "REQUEST_TOO_LARGE"
	CodeUnknownField          entry.Code = "UNKNOWN_FIELD"
	CodeKindNotHere           entry.Code = "KIND_NOT_HERE"
	CodeSignerForbidden       entry.Code = "SIGNER_FORBIDDEN"
	CodeAccessDenied          entry.Code = "ACCESS_DENIED"
	CodeEntryNotFound         entry.Code = "ENTRY_NOT_FOUND"
	CodeSizeBeyondLog         entry.Code = "SIZE_BEYOND_LOG"
	CodePageToken             entry.Code = "PAGE_TOKEN_INVALID"
	CodeNoLeader              entry.Code = "NO_LEADER"
	CodeNodeStopping          entry.Code = "NODE_STOPPING"
	CodeCancelled             entry.Code = "CANCELLED"
	CodeDeadline              entry.Code = "DEADLINE"
	CodeIncident              entry.Code = "INCIDENT"
)

const (
	nothingRead    = "The request was not read."
	nothingDone    = "Nothing was changed."
	notAnswered    = "Nothing was returned."
	resendSame     = "Send the same bytes again: statements are logged once."
	enrolCaller    = "Let a registrar enrol the key of your certificate, or use the certificate of an enrolled key."
	correctRequest = "Correct the request; the schema is served by reflection."
)

// edgeTable has a row for each code of the edge.
var edgeTable = [...]entry.CodeMeaning{
	{Code: CodeNoCertificate, Happened: "The connection has no client certificate.", NotDone: nothingRead, Next: "Connect with the certificate of an enrolled key."},
	{Code: CodeCertificateExpired, Happened: "The client certificate is past its validity.", NotDone: nothingRead, Next: "Connect again with a certificate that is valid now; its key may be the same.", Retryable: true},
	{Code: CodeCallerUnknown, Happened: "The key of the client certificate is not enrolled in this log.", NotDone: nothingRead, Next: enrolCaller, Retryable: true},
	{Code: CodeCallerSuspended, Happened: "The caller's key is suspended.", NotDone: nothingRead, Next: "Ask a registrar to resume it.", Retryable: true},
	{Code: CodeCallerRevoked, Happened: "The caller's key is revoked.", NotDone: nothingRead, Next: "Enrol a new key."},
	{Code: CodeCallerForbidden, Happened: "The role of this credential may not do this.", NotDone: nothingDone, Next: "Use the credential of a role that may; for programs, the access option of the RPC names them."},
	{Code: CodeCallerJurisdiction, Happened: "The caller is not enrolled for this jurisdiction.", NotDone: nothingRead, Next: "Use a credential enrolled for the jurisdiction."},
	{Code: CodeJurisdictionMissing, Happened: "The request can carry or return health data and names no jurisdiction.", NotDone: nothingRead, Next: "Set the header Indelible-Jurisdiction."},
	{Code: CodeJurisdictionMalformed, Happened: "The header Indelible-Jurisdiction is not the name of a jurisdiction.", NotDone: nothingRead, Next: "Send one name of 2 to 16 characters, a-z, 0-9 and hyphen, once."},
	{Code: CodeNotPlacedHere, Happened: "This node is not placed in that jurisdiction.", NotDone: nothingRead, Next: "Send the request to one of the nodes named in the detail."},
	{Code: CodeUnknownRPC, Happened: "There is no such RPC here.", NotDone: nothingRead, Next: correctRequest},
	{Code: CodeRequestMalformed, Happened: "The body is not a message of this RPC.", NotDone: nothingDone, Next: correctRequest},
	{Code: CodeRequestIncomplete, Happened: "The request did not arrive whole, or not in time.", NotDone: nothingDone, Next: resendSame, Retryable: true},
	{Code: CodeRequestCompressed, Happened: "The request is compressed.", NotDone: nothingRead, Next: "Send it uncompressed: sealed data does not shrink."},
	{Code: CodeRequestInvalid, Happened: "A field is outside what the schema allows.", NotDone: nothingDone, Next: correctRequest},
	{Code: CodeRequestTooLarge, Happened: "The message is larger than a call may be.", NotDone: nothingDone, Next: "Send smaller batches."},
	{Code: CodeUnknownField, Happened: "The message has a field this node does not know.", NotDone: nothingDone, Next: "Remove it, or use a newer node. Unknown fields are refused so that nothing is carried unseen."},
	{Code: CodeKindNotHere, Happened: "Statements of this kind or action do not come by this RPC.", NotDone: "The statement got no index; nothing was changed.", Next: "Send it by the RPC for its kind."},
	{Code: CodeSignerForbidden, Happened: "The caller may not hand in a statement of this author.", NotDone: "The statement got no index; nothing was changed.", Next: "Let the author, or a caller of the author's role, send it. Services may relay for devices."},
	{Code: CodeAccessDenied, Happened: "The caller may not do this for this purpose. The refusal is recorded in the log.", NotDone: "Nothing was decrypted or returned.", Next: "Ask for what your role may see, for a purpose it may name."},
	{Code: CodeEntryNotFound, Happened: "The log has no such entry.", NotDone: notAnswered, Next: "Check the id; if the entry was just sent, ask again.", Retryable: true},
	{Code: CodeSizeBeyondLog, Happened: "The size asked for is larger than what is published.", NotDone: notAnswered, Next: "Ask for a size up to that of the newest checkpoint.", Retryable: true},
	{Code: CodePageToken, Happened: "The page token is not one that this query gave.", NotDone: notAnswered, Next: "Send the token of the last answer with the same query, or begin without one."},
	{Code: CodeNoLeader, Happened: "The group has no leader, or it is another node.", NotDone: nothingDone, Next: resendSame, Retryable: true},
	{Code: CodeNodeStopping, Happened: "The node is stopping.", NotDone: nothingDone, Next: "Use another node, or wait until this one is back; then send the same bytes again.", Retryable: true},
	{Code: CodeCancelled, Happened: "The caller ended the call.", NotDone: "The outcome is not known to the caller.", Next: resendSame, Retryable: true},
	{Code: CodeDeadline, Happened: "The call took longer than its deadline.", NotDone: "The outcome is not known to the caller.", Next: resendSame, Retryable: true},
	{Code: CodeIncident, Happened: "The node met a fault of its own.", NotDone: "The outcome is not known to the caller.", Next: "Report the incident number to the operator.", Retryable: true},
}

// connectCodes says with which Connect code a call as a whole fails for a
// refusal. Refusals of single statements stand in their outcomes instead.
var connectCodes = map[entry.Code]connect.Code{
	entry.CodeMalformed:        connect.CodeInvalidArgument,
	entry.CodeTooLarge:         connect.CodeInvalidArgument,
	entry.CodeNotCanonical:     connect.CodeInvalidArgument,
	entry.CodeUnknownLabel:     connect.CodeInvalidArgument,
	entry.CodeUnknownKind:      connect.CodeInvalidArgument,
	entry.CodeUnknownCode:      connect.CodeInvalidArgument,
	entry.CodeCritRefused:      connect.CodeInvalidArgument,
	entry.CodeWrongAlgorithm:   connect.CodeInvalidArgument,
	entry.CodeFieldForbidden:   connect.CodeInvalidArgument,
	entry.CodeFieldMissing:     connect.CodeInvalidArgument,
	entry.CodeFieldInvalid:     connect.CodeInvalidArgument,
	entry.CodeLeafTooLarge:     connect.CodeInvalidArgument,
	entry.CodeKindNotYet:       connect.CodeUnimplemented,
	entry.CodeBadCertification: connect.CodeInvalidArgument,

	entry.CodeBadKey:       connect.CodeInvalidArgument,
	entry.CodeWrongKey:     connect.CodeInvalidArgument,
	entry.CodeBadSignature: connect.CodeInvalidArgument,
	entry.CodeHighS:        connect.CodeInvalidArgument,
	entry.CodeForeignCA:    connect.CodeFailedPrecondition,

	entry.CodeUnknownAuthor:   connect.CodeFailedPrecondition,
	entry.CodeAuthorSuspended: connect.CodeFailedPrecondition,
	entry.CodeAuthorRevoked:   connect.CodeFailedPrecondition,
	entry.CodeAwaitingUpto:    connect.CodeFailedPrecondition,
	entry.CodeRoleForbidden:   connect.CodePermissionDenied,
	entry.CodeAlreadyEnrolled: connect.CodeAlreadyExists,
	entry.CodeCAState:         connect.CodeFailedPrecondition,

	entry.CodeWrongLog:          connect.CodeFailedPrecondition,
	entry.CodeWrongJurisdiction: connect.CodeFailedPrecondition,
	entry.CodeUnknownBinding:    connect.CodeFailedPrecondition,
	entry.CodeBindingClosed:     connect.CodeFailedPrecondition,
	entry.CodeBindingNotYet:     connect.CodeFailedPrecondition,
	entry.CodeBindingExists:     connect.CodeAlreadyExists,
	entry.CodeWrongBinding:      connect.CodeFailedPrecondition,
	entry.CodeUnknownHandle:     connect.CodeFailedPrecondition,
	entry.CodeHandleClosed:      connect.CodeFailedPrecondition,
	entry.CodeHandleExists:      connect.CodeAlreadyExists,
	entry.CodeWrongHandle:       connect.CodeFailedPrecondition,
	entry.CodeUnknownStatement:  connect.CodeFailedPrecondition,
	entry.CodeWrongState:        connect.CodeFailedPrecondition,
	entry.CodeWrongPosition:     connect.CodeFailedPrecondition,

	entry.CodeClockAhead:      connect.CodeFailedPrecondition,
	entry.CodeBootTooFar:      connect.CodeFailedPrecondition,
	entry.CodeRequestIDReused: connect.CodeAlreadyExists,
	entry.CodeSeenMismatch:    connect.CodeFailedPrecondition,

	entry.CodeSealExpired:        connect.CodeAborted,
	entry.CodeNotSealed:          connect.CodeFailedPrecondition,
	entry.CodeSealUnexpected:     connect.CodeInvalidArgument,
	entry.CodeCommitmentMismatch: connect.CodeInvalidArgument,
	entry.CodeSubjectErased:      connect.CodeFailedPrecondition,
	entry.CodeAlreadyRegistered:  connect.CodeAlreadyExists,
	entry.CodeUnknownSubject:     connect.CodeNotFound,
	entry.CodeUnknownRecord:      connect.CodeNotFound,

	entry.CodeNotConfirmable:   connect.CodeFailedPrecondition,
	entry.CodeAlreadyConfirmed: connect.CodeAlreadyExists,
	entry.CodeSelfConfirmation: connect.CodePermissionDenied,

	entry.CodeGraceRunning:   connect.CodeFailedPrecondition,
	entry.CodeGraceOver:      connect.CodeFailedPrecondition,
	entry.CodeHoldActive:     connect.CodeFailedPrecondition,
	entry.CodeRetentionFloor: connect.CodeFailedPrecondition,
	entry.CodeNotYourRequest: connect.CodePermissionDenied,
	entry.CodeErasureOpen:    connect.CodeAlreadyExists,

	entry.CodeGrantInvalid: connect.CodePermissionDenied,
	entry.CodeGrantUsed:    connect.CodePermissionDenied,
	entry.CodeGrantExpired: connect.CodeAborted,
	entry.CodeGuardRaised:  connect.CodeAborted,

	entry.CodeOverloaded:     connect.CodeResourceExhausted,
	entry.CodeOutcomeUnknown: connect.CodeUnavailable,

	CodeNoCertificate:         connect.CodeUnauthenticated,
	CodeCertificateExpired:    connect.CodeUnauthenticated,
	CodeCallerUnknown:         connect.CodeUnauthenticated,
	CodeCallerSuspended:       connect.CodePermissionDenied,
	CodeCallerRevoked:         connect.CodePermissionDenied,
	CodeCallerForbidden:       connect.CodePermissionDenied,
	CodeCallerJurisdiction:    connect.CodePermissionDenied,
	CodeJurisdictionMissing:   connect.CodeInvalidArgument,
	CodeJurisdictionMalformed: connect.CodeInvalidArgument,
	CodeNotPlacedHere:         connect.CodeFailedPrecondition,
	CodeUnknownRPC:            connect.CodeUnimplemented,
	CodeRequestMalformed:      connect.CodeInvalidArgument,
	CodeRequestIncomplete:     connect.CodeAborted,
	CodeRequestCompressed:     connect.CodeUnimplemented,
	CodeRequestInvalid:        connect.CodeInvalidArgument,
	CodeRequestTooLarge:       connect.CodeInvalidArgument,
	CodeUnknownField:          connect.CodeInvalidArgument,
	CodeKindNotHere:           connect.CodeInvalidArgument,
	CodeSignerForbidden:       connect.CodePermissionDenied,
	CodeAccessDenied:          connect.CodePermissionDenied,
	CodeEntryNotFound:         connect.CodeNotFound,
	CodeSizeBeyondLog:         connect.CodeOutOfRange,
	CodePageToken:             connect.CodeInvalidArgument,
	CodeNoLeader:              connect.CodeUnavailable,
	CodeNodeStopping:          connect.CodeUnavailable,
	CodeCancelled:             connect.CodeCanceled,
	CodeDeadline:              connect.CodeDeadlineExceeded,
	CodeIncident:              connect.CodeInternal,
}

// Codes returns a row for every code a client can meet: those of statements and
// those of calls. The slice is the caller's.
func Codes() []entry.CodeMeaning {
	return append(entry.Codes(), edgeTable[:]...)
}

// meanings finds the row of a code.
var meanings = func() map[entry.Code]entry.CodeMeaning {
	rows := make(map[entry.Code]entry.CodeMeaning, len(connectCodes))
	for _, row := range Codes() {
		rows[row.Code] = row
	}
	return rows
}()

// refuse makes a refusal with a code of the edge; the text is that of its row.
func refuse(code entry.Code) *entry.Refusal {
	row := meanings[code]
	return &entry.Refusal{Code: code, Text: row.Happened, Retryable: row.Retryable}
}
