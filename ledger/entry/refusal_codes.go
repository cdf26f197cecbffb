package entry

// The codes. What each one means to a user stands in Codes.
const (
	// Shape: the bytes themselves are wrong.
	CodeMalformed        Code = "MALFORMED"
	CodeTooLarge         Code = "TOO_LARGE"
	CodeNotCanonical     Code = "NOT_CANONICAL"
	CodeUnknownLabel     Code = "UNKNOWN_LABEL"
	CodeUnknownKind      Code = "UNKNOWN_KIND"
	CodeUnknownCode      Code = "UNKNOWN_CODE"
	CodeCritRefused      Code = "CRIT_REFUSED"
	CodeWrongAlgorithm   Code = "WRONG_ALGORITHM"
	CodeFieldForbidden   Code = "FIELD_FORBIDDEN"
	CodeFieldMissing     Code = "FIELD_MISSING"
	CodeFieldInvalid     Code = "FIELD_INVALID"
	CodeLeafTooLarge     Code = "LEAF_TOO_LARGE"
	CodeKindNotYet       Code = "KIND_NOT_YET"
	CodeBadCertification Code = "BAD_CERTIFICATION"

	// Keys and signatures.
	CodeBadKey       Code = "BAD_KEY"
	CodeWrongKey     Code = "WRONG_KEY"
	CodeBadSignature Code = "BAD_SIGNATURE"
	CodeHighS        Code = "HIGH_S"
	CodeForeignCA    Code = "FOREIGN_CA"

	// Authors.
	CodeUnknownAuthor   Code = "UNKNOWN_AUTHOR"
	CodeAuthorSuspended Code = "AUTHOR_SUSPENDED"
	CodeAuthorRevoked   Code = "AUTHOR_REVOKED"
	CodeAwaitingUpto    Code = "AWAITING_UPTO"
	CodeRoleForbidden   Code = "ROLE_FORBIDDEN"
	CodeAlreadyEnrolled Code = "ALREADY_ENROLLED"
	CodeCAState         Code = "CA_STATE"

	// Where a statement belongs.
	CodeWrongLog          Code = "WRONG_LOG"
	CodeWrongJurisdiction Code = "WRONG_JURISDICTION"
	CodeUnknownBinding    Code = "UNKNOWN_BINDING"
	CodeBindingClosed     Code = "BINDING_CLOSED"
	CodeBindingNotYet     Code = "BINDING_NOT_YET"
	CodeBindingExists     Code = "BINDING_EXISTS"
	CodeWrongBinding      Code = "WRONG_BINDING"
	CodeUnknownHandle     Code = "UNKNOWN_HANDLE"
	CodeHandleClosed      Code = "HANDLE_CLOSED"
	CodeHandleExists      Code = "HANDLE_EXISTS"
	CodeWrongHandle       Code = "WRONG_HANDLE"
	CodeUnknownStatement  Code = "UNKNOWN_STATEMENT"
	CodeWrongState        Code = "WRONG_STATE"
	CodeWrongPosition     Code = "WRONG_POSITION"

	// Time, order, uniqueness.
	CodeClockAhead      Code = "CLOCK_AHEAD"
	CodeBootTooFar      Code = "BOOT_TOO_FAR"
	CodeRequestIDReused Code = "REQUEST_ID_REUSED"
	CodeSeenMismatch    Code = "SEEN_MISMATCH"

	// Sealed parts.
	CodeSealExpired        Code = "SEAL_EXPIRED"
	CodeNotSealed          Code = "NOT_SEALED"
	CodeSealUnexpected     Code = "SEAL_UNEXPECTED"
	CodeCommitmentMismatch Code = "COMMITMENT_MISMATCH"
	CodeSubjectErased      Code = "SUBJECT_ERASED"
	CodeAlreadyRegistered  Code = "ALREADY_REGISTERED"
	CodeUnknownSubject     Code = "UNKNOWN_SUBJECT"
	CodeUnknownRecord      Code = "UNKNOWN_RECORD"

	// Two persons.
	CodeNotConfirmable   Code = "NOT_CONFIRMABLE"
	CodeAlreadyConfirmed Code = "ALREADY_CONFIRMED"
	CodeSelfConfirmation Code = "SELF_CONFIRMATION"

	// Erasure and holds.
	CodeGraceRunning   Code = "GRACE_RUNNING"
	CodeGraceOver      Code = "GRACE_OVER"
	CodeHoldActive     Code = "HOLD_ACTIVE"
	CodeRetentionFloor Code = "RETENTION_FLOOR"
	CodeNotYourRequest Code = "NOT_YOUR_REQUEST"
	CodeErasureOpen    Code = "ERASURE_OPEN"

	// Release.
	CodeGrantInvalid Code = "GRANT_INVALID"
	CodeGrantUsed    Code = "GRANT_USED"
	CodeGrantExpired Code = "GRANT_EXPIRED"
	CodeGuardRaised  Code = "GUARD_RAISED"

	// The service, not the statement.
	CodeOverloaded     Code = "OVERLOADED"
	CodeOutcomeUnknown Code = "OUTCOME_UNKNOWN"
)

// CodeMeaning is one row of the table a client shows to its user.
type CodeMeaning struct {
	Code      Code
	Happened  string // what happened
	NotDone   string // what was not done
	Next      string // what to do next
	Retryable bool   // the same bytes may be accepted later
}

const (
	nothingLogged   = "The statement got no index; nothing was changed."
	nothingReleased = "Nothing was decrypted or returned."
	nothingSealed   = "Nothing was sealed or logged."
	fixAuthor       = "Correct the software that wrote the statement; the same bytes will always be refused."
)

var codeTable = [...]CodeMeaning{
	{CodeMalformed, "The bytes are not a well-formed statement, opening or identifier of this log.", nothingLogged, fixAuthor, false},
	{CodeTooLarge, "The input is larger than its format allows.", nothingLogged, "Send less in one piece: a statement holds 16 KiB, an opening 512 KiB.", false},
	{CodeNotCanonical, "The CBOR is valid but not in its one deterministic spelling (RFC 8949 section 4.2.1).", nothingLogged, "Encode with shortest lengths, definite lengths and sorted keys, then sign again.", false},
	{CodeUnknownLabel, "A header, claim or field stands there that the format does not list for this kind and action.", nothingLogged, fixAuthor, false},
	{CodeUnknownKind, "The typ header names no kind of this log.", nothingLogged, "Use a kind of FORMATS §3, or a newer node.", false},
	{CodeUnknownCode, "A code is in no published list.", nothingLogged, "Use a code of the list, or a newer node.", false},
	{CodeCritRefused, "The statement carries a crit header, and no extension is understood here.", nothingLogged, "Sign again without crit.", false},
	{CodeWrongAlgorithm, "The algorithm is not ES256 or EdDSA, or does not fit the author's key.", nothingLogged, "Sign with the algorithm of the key: -7 for P-256, -8 for Ed25519.", false},
	{CodeFieldForbidden, "A header or claim stands there that this kind may not carry.", nothingLogged, fixAuthor, false},
	{CodeFieldMissing, "A header, claim, field or sealed part that this kind needs is missing.", nothingLogged, fixAuthor, false},
	{CodeFieldInvalid, "A value lies outside what its field allows.", nothingLogged, fixAuthor, false},
	{CodeLeafTooLarge, "The leaf would be longer than 65,535 bytes.", nothingLogged, "Sign a smaller statement.", false},
	{CodeKindNotYet, "This kind is defined but not accepted by this version.", nothingLogged, "Wait for the release that accepts it.", false},
	{CodeBadCertification, "The certification of the binding key does not verify under the device's identity key, or certifies another key or handle.", nothingSealed, "Let the device certify this binding key for this handle again.", false},

	{CodeBadKey, "A public key is not P-256 or Ed25519 in its one encoding, or is of small order.", nothingLogged, "Use a key generated by a maintained library, encoded as SubjectPublicKeyInfo.", false},
	{CodeWrongKey, "The key offered for verification is not the key the statement names.", nothingLogged, "Look the author up by the statement's kid.", false},
	{CodeBadSignature, "The signature does not verify under the author's key.", nothingLogged, "Send the bytes exactly as signed. If they are, treat the sender as hostile.", false},
	{CodeHighS, "The ES256 signature has s above n/2.", nothingLogged, "Replace s by n - s (NormalizeSignature) and send again; the edge does this by itself.", false},
	{CodeForeignCA, "The device's certificate does not lead to an active device CA of this log.", nothingSealed, "Activate the CA with a confirmed `ca` statement, or enrol a device of an active one.", false},

	{CodeUnknownAuthor, "No author with this key is enrolled.", nothingLogged, "Enrol the key, then send the same bytes again.", true},
	{CodeAuthorSuspended, "The author is suspended.", nothingLogged, "Ask a registrar to resume the author, then send the same bytes again.", true},
	{CodeAuthorRevoked, "The author is revoked and this statement is not vouched for.", nothingLogged, "Enrol a new key. Nothing will make this statement acceptable.", false},
	{CodeAwaitingUpto, "The author is revoked up to a statement that has not arrived yet.", nothingLogged, "Send the author's newest statements first, then this one again.", true},
	{CodeRoleForbidden, "The author's role may not sign this kind or action.", nothingLogged, "Let an author with the right role sign.", false},
	{CodeAlreadyEnrolled, "This key is or was already enrolled.", nothingLogged, "Use a new key: a revoked key never comes back.", false},
	{CodeCAState, "The CA key is already in the state asked for.", nothingLogged, "List the active CAs and check the key.", false},

	{CodeWrongLog, "The statement is addressed to another log.", nothingLogged, "Check which log's genesis the author has pinned.", false},
	{CodeWrongJurisdiction, "The jurisdiction is unknown, not the author's, or not that of the handle or binding.", nothingLogged, "Send to a node of the right jurisdiction, signed by an author enrolled there.", false},
	{CodeUnknownBinding, "The log knows no such binding.", nothingLogged, "Append the `binding` statement first, then send the same bytes again.", true},
	{CodeBindingClosed, "The binding was closed before this statement was signed, or arrived too long after.", nothingLogged, "Bind the device again and sign new readings under the new binding.", false},
	{CodeBindingNotYet, "The statement was signed before its binding begins.", nothingLogged, "Check the device's clock; sign new readings under the binding in force.", false},
	{CodeBindingExists, "A binding with this id exists.", nothingLogged, "Draw a new random id.", false},
	{CodeWrongBinding, "The binding does not belong to this author or handle.", nothingLogged, "Use the binding that names this key.", false},
	{CodeUnknownHandle, "The log knows no such handle.", nothingLogged, "Append the `handle` statement first, then send the same bytes again.", true},
	{CodeHandleClosed, "The handle is closed.", nothingLogged, "Use the handle that follows it.", false},
	{CodeHandleExists, "A handle with this id exists.", nothingLogged, "Let the vault allocate a new one.", false},
	{CodeWrongHandle, "The handle is of the wrong class or not the one this statement must name.", nothingLogged, "Name the handle of the record concerned.", false},
	{CodeUnknownStatement, "The statement refers to one that is not in the log.", nothingLogged, "Append that one first, or correct the reference.", true},
	{CodeWrongState, "What the statement refers to is in a state that does not allow this step.", nothingLogged, "Look at its present state and choose the step that fits.", false},
	{CodeWrongPosition, "The statement names a position the log has not reached.", nothingLogged, "Name the size at which the decision was made.", false},

	{CodeClockAhead, "The statement's time is more than five minutes ahead of the ledger's.", nothingLogged, "Set the author's clock; this statement is accepted once ledger time has caught up.", true},
	{CodeBootTooFar, "The boot number is more than 1,000 above the highest accepted.", nothingLogged, "Check the device's counter; enrol a new key if it is lost.", false},
	{CodeRequestIDReused, "The author used this request id for another statement.", nothingLogged, "Draw a new random request id and sign again.", false},
	{CodeSeenMismatch, "The checkpoint the author has seen is not one of this log.", nothingLogged, "Raise an alarm: compare the author's checkpoint with the witnesses'.", false},

	{CodeSealExpired, "The sealed record is older than an hour.", nothingLogged, "Submit the statement with its openings again.", true},
	{CodeNotSealed, "The statement has a sealed part, but its record was not sealed.", nothingLogged, "Submit the statement together with its openings.", true},
	{CodeSealUnexpected, "Openings came with a statement that has no sealed part.", nothingLogged, "Submit the statement without openings.", false},
	{CodeCommitmentMismatch, "The openings or parts are not the ones the statement commits to.", nothingSealed, "Submit the openings that were made with this statement.", false},
	{CodeSubjectErased, "The subject was erased, or its erasure was requested; new records are refused for good.", nothingSealed, "Destroy the openings and keep this refusal.", false},
	{CodeAlreadyRegistered, "An identifier given is already registered in this jurisdiction.", "No subject was opened.", "Look the subject up under an access entry.", false},
	{CodeUnknownSubject, "No subject is known by this identifier or handle here.", nothingReleased, "Check the identifier and the jurisdiction.", false},
	{CodeUnknownRecord, "No record is held for this statement.", nothingReleased, "Check the statement id and the jurisdiction.", false},

	{CodeNotConfirmable, "The statement named needs no second signature, or cannot be confirmed by this one.", nothingLogged, "Confirm with the same kind, sub and jurisdiction, by another author of the same role.", false},
	{CodeAlreadyConfirmed, "The statement named has been confirmed.", nothingLogged, "Nothing more is needed.", false},
	{CodeSelfConfirmation, "An author cannot confirm its own statement.", nothingLogged, "Let another author of the same role sign the confirmation.", false},

	{CodeGraceRunning, "The grace period after approval has not ended.", "Nothing was destroyed.", "Wait until the grace period ends; until then the request can be cancelled.", true},
	{CodeGraceOver, "The erasure has begun and can no longer be cancelled.", "The erasure was not stopped.", "Nothing can bring the data back.", false},
	{CodeHoldActive, "A legal hold covers this record class.", "Nothing was destroyed.", "Release the hold, or request an identity erasure if the hold allows it.", true},
	{CodeRetentionFloor, "A retention floor of this jurisdiction has not passed.", "Nothing was destroyed.", "Wait until it passes, or request scope identity.", true},
	{CodeNotYourRequest, "This step may not be taken by the author who requested.", nothingLogged, "Let another officer sign.", false},
	{CodeErasureOpen, "An erasure of this subject is already under way.", nothingLogged, "Follow the one that is open.", false},

	{CodeGrantInvalid, "The access entry does not permit this request: it does not verify, was not made by this process, or binds other fields, callers or subjects.", nothingReleased, "Make a new request; each has its own access entry.", false},
	{CodeGrantUsed, "The access entry was already used.", nothingReleased, "Make a new request; each has its own access entry.", false},
	{CodeGrantExpired, "The access entry is older than 30 seconds.", nothingReleased, "Make a new request.", false},
	{CodeGuardRaised, "Consent, a hold or an erasure changed while the request was under way.", nothingReleased, "Make a new request; it is judged by the rules in force then.", true},

	{CodeOverloaded, "A queue is full.", nothingLogged, "Wait as long as the answer says, then send the same bytes again.", true},
	{CodeOutcomeUnknown, "The outcome of the commit is not known.", "No receipt was issued.", "Send the same bytes again: they get the same index if they were logged.", true},
}

// retryable answers Refuse; built once from codeTable.
var retryable = func() map[Code]bool {
	m := make(map[Code]bool, len(codeTable))
	for _, row := range codeTable {
		m[row.Code] = row.Retryable
	}
	return m
}()

// Codes returns the table of every code: what happened, what was not done and
// what to do next. The slice is the caller's.
func Codes() []CodeMeaning { return append([]CodeMeaning(nil), codeTable[:]...) }

// Meaning returns the row of one code.
func Meaning(code Code) (CodeMeaning, bool) {
	for _, row := range codeTable {
		if row.Code == code {
			return row, true
		}
	}
	return CodeMeaning{}, false
}
