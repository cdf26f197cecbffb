package wire

import (
	"slices"

	"connectrpc.com/connect"

	"indelible/ledger/entry"
)

// The codes of calls: what can be wrong with a call rather than with a
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

// Row is what there is to know of one code.
type Row struct {
	Code      entry.Code
	Happened  string // what happened
	NotDone   string // what was not done
	Next      string // what to do next
	Retryable bool   // the same bytes may be accepted later

	Connect connect.Code // with which a call as a whole fails; a refused statement has its outcome instead
}

// callRows has a row for each code of calls.
var callRows = [...]Row{
	{CodeNoCertificate, "The connection has no client certificate.", nothingRead, "Connect with the certificate of an enrolled key.", false, connect.CodeUnauthenticated},
	{CodeCertificateExpired, "The client certificate is past its validity.", nothingRead, "Connect again with a certificate that is valid now; its key may be the same.", true, connect.CodeUnauthenticated},
	{CodeCallerUnknown, "The key of the client certificate is not enrolled in this log.", nothingRead, enrolCaller, true, connect.CodeUnauthenticated},
	{CodeCallerSuspended, "The caller's key is suspended.", nothingRead, "Ask a registrar to resume it.", true, connect.CodePermissionDenied},
	{CodeCallerRevoked, "The caller's key is revoked.", nothingRead, "Enrol a new key.", false, connect.CodePermissionDenied},
	{CodeCallerForbidden, "The role of this credential may not do this.", nothingDone, "Use the credential of a role that may; for programs, the access option of the RPC names them.", false, connect.CodePermissionDenied},
	{CodeCallerJurisdiction, "The caller is not enrolled for this jurisdiction.", nothingRead, "Use a credential enrolled for the jurisdiction.", false, connect.CodePermissionDenied},
	{CodeJurisdictionMissing, "The request can carry or return health data and names no jurisdiction.", nothingRead, "Set the header Indelible-Jurisdiction.", false, connect.CodeInvalidArgument},
	{CodeJurisdictionMalformed, "The header Indelible-Jurisdiction is not the name of a jurisdiction.", nothingRead, "Send one name of 2 to 16 characters, a-z, 0-9 and hyphen, once.", false, connect.CodeInvalidArgument},
	{CodeNotPlacedHere, "This node is not placed in that jurisdiction.", nothingRead, "Send the request to one of the nodes named in the detail.", false, connect.CodeFailedPrecondition},
	{CodeUnknownRPC, "There is no such RPC here.", nothingRead, correctRequest, false, connect.CodeUnimplemented},
	{CodeRequestMalformed, "The body is not a message of this RPC.", nothingDone, correctRequest, false, connect.CodeInvalidArgument},
	{CodeRequestIncomplete, "The request did not arrive whole, or not in time.", nothingDone, resendSame, true, connect.CodeAborted},
	{CodeRequestCompressed, "The request is compressed.", nothingRead, "Send it uncompressed: sealed data does not shrink.", false, connect.CodeUnimplemented},
	{CodeRequestInvalid, "A field is outside what the schema allows.", nothingDone, correctRequest, false, connect.CodeInvalidArgument},
	{CodeRequestTooLarge, "The message is larger than a call may be.", nothingDone, "Send smaller batches.", false, connect.CodeInvalidArgument},
	{CodeUnknownField, "The message has a field this node does not know.", nothingDone, "Remove it, or use a newer node. Unknown fields are refused so that nothing is carried unseen.", false, connect.CodeInvalidArgument},
	{CodeKindNotHere, "Statements of this kind or action do not come by this RPC.", "The statement got no index; nothing was changed.", "Send it by the RPC for its kind.", false, connect.CodeInvalidArgument},
	{CodeSignerForbidden, "The caller may not hand in a statement of this author.", "The statement got no index; nothing was changed.", "Let the author, or a caller of the author's role, send it. Services may relay for devices.", false, connect.CodePermissionDenied},
	{CodeAccessDenied, "The caller may not do this for this purpose. The refusal is recorded in the log.", "Nothing was decrypted or returned.", "Ask for what your role may see, for a purpose it may name.", false, connect.CodePermissionDenied},
	{CodeEntryNotFound, "The log has no such entry.", notAnswered, "Check the id; if the entry was just sent, ask again.", true, connect.CodeNotFound},
	{CodeSizeBeyondLog, "The size asked for is larger than what is published.", notAnswered, "Ask for a size up to that of the newest checkpoint.", true, connect.CodeOutOfRange},
	{CodePageToken, "The page token is not one that this query gave.", notAnswered, "Send the token of the last answer with the same query, or begin without one.", false, connect.CodeInvalidArgument},
	{CodeNoLeader, "The group has no leader, or it is another node.", nothingDone, resendSame, true, connect.CodeUnavailable},
	{CodeNodeStopping, "The node is stopping.", nothingDone, "Use another node, or wait until this one is back; then send the same bytes again.", true, connect.CodeUnavailable},
	{CodeCancelled, "The caller ended the call.", "The outcome is not known to the caller.", resendSame, true, connect.CodeCanceled},
	{CodeDeadline, "The call took longer than its deadline.", "The outcome is not known to the caller.", resendSame, true, connect.CodeDeadlineExceeded},
	{CodeIncident, "The node met a fault of its own.", "The outcome is not known to the caller.", "Report the incident number to the operator.", true, connect.CodeInternal},
}

// statementCodes are the codes of package entry, whose meanings stand there, by
// the Connect code with which a call fails for them.
var statementCodes = map[connect.Code][]entry.Code{
	connect.CodeInvalidArgument: {
		entry.CodeMalformed, entry.CodeTooLarge, entry.CodeNotCanonical, entry.CodeUnknownLabel, entry.CodeUnknownKind,
		entry.CodeUnknownCode, entry.CodeCritRefused, entry.CodeWrongAlgorithm, entry.CodeFieldForbidden, entry.CodeFieldMissing,
		entry.CodeFieldInvalid, entry.CodeLeafTooLarge, entry.CodeBadCertification, entry.CodeBadKey, entry.CodeWrongKey,
		entry.CodeBadSignature, entry.CodeHighS, entry.CodeSealUnexpected, entry.CodeCommitmentMismatch,
	},
	connect.CodeUnimplemented: {
		entry.CodeKindNotYet,
	},
	connect.CodeFailedPrecondition: {
		entry.CodeForeignCA, entry.CodeUnknownAuthor, entry.CodeAuthorSuspended, entry.CodeAuthorRevoked, entry.CodeAwaitingUpto,
		entry.CodeCAState, entry.CodeWrongLog, entry.CodeWrongJurisdiction, entry.CodeUnknownBinding, entry.CodeBindingClosed,
		entry.CodeBindingNotYet, entry.CodeWrongBinding, entry.CodeUnknownHandle, entry.CodeHandleClosed, entry.CodeWrongHandle,
		entry.CodeUnknownStatement, entry.CodeWrongState, entry.CodeWrongPosition, entry.CodeClockAhead, entry.CodeBootTooFar,
		entry.CodeSeenMismatch, entry.CodeNotSealed, entry.CodeSubjectErased, entry.CodeNotConfirmable, entry.CodeGraceRunning,
		entry.CodeGraceOver, entry.CodeHoldActive, entry.CodeRetentionFloor,
	},
	connect.CodePermissionDenied: {
		entry.CodeRoleForbidden, entry.CodeSelfConfirmation, entry.CodeNotYourRequest, entry.CodeGrantInvalid, entry.CodeGrantUsed,
	},
	connect.CodeAlreadyExists: {
		entry.CodeAlreadyEnrolled, entry.CodeBindingExists, entry.CodeHandleExists, entry.CodeRequestIDReused,
		entry.CodeAlreadyRegistered, entry.CodeAlreadyConfirmed, entry.CodeErasureOpen,
	},
	connect.CodeAborted: {
		entry.CodeSealExpired, entry.CodeGrantExpired, entry.CodeGuardRaised,
	},
	connect.CodeNotFound: {
		entry.CodeUnknownSubject, entry.CodeUnknownRecord,
	},
	connect.CodeResourceExhausted: {
		entry.CodeOverloaded,
	},
	connect.CodeUnavailable: {
		entry.CodeOutcomeUnknown,
	},
}

// table has every code a client can meet, those of statements first.
var table = func() []Row {
	as := make(map[entry.Code]connect.Code)
	for code, codes := range statementCodes {
		for _, c := range codes {
			as[c] = code
		}
	}
	var rows []Row
	for _, m := range entry.Codes() {
		rows = append(rows, Row{m.Code, m.Happened, m.NotDone, m.Next, m.Retryable, as[m.Code]})
	}
	return append(rows, callRows[:]...)
}()

// rows finds the row of a code.
var rows = func() map[entry.Code]Row {
	m := make(map[entry.Code]Row, len(table))
	for _, row := range table {
		m[row.Code] = row
	}
	return m
}()

// Codes returns the row of every code a client can meet, those of statements
// first. The slice is the caller's.
func Codes() []Row { return slices.Clone(table) }

// Meaning returns the row of a code, of calls or of statements.
func Meaning(code entry.Code) (Row, bool) {
	row, ok := rows[code]
	return row, ok
}

// Refuse makes a refusal with a code of calls; the text is that of its row.
func Refuse(code entry.Code) *entry.Refusal {
	row := rows[code]
	return &entry.Refusal{Code: code, Text: row.Happened, Retryable: row.Retryable}
}
