// Package fhir cuts a FHIR R4 Observation into a clinical and an identity part
// and puts it together again, byte for byte.
//
// # The law
//
// The package is pure: bytes in, bytes out. It never decodes a number, never
// re-encodes a string, never reorders a member, because what a device sent is
// what was measured: 37.0 and 37.00 differ, and who signed the bytes must
// get the same bytes back. It reads JSON (RFC 8259) with a strict scanner of its
// own and refuses what two readers could understand differently: a byte order
// mark, a repeated member name in any object, text that is not UTF-8.
//
// # What is kept, what is cut
//
// Of the members at the top of an Observation only those that describe the
// measurement are kept (resourceType, status, category, code, effective[x],
// value[x], dataAbsentReason, interpretation, bodySite, method, referenceRange,
// component); everything else, known or not, is cut: a list of what may stay
// fails safe, a list of what must go does not. A kept member that contains at any
// depth extension, modifierExtension, reference or identifier is cut whole.
//
// What remains is valid JSON and is the clinical part. What was cut is a list of
// spans, each with its offset in the original: the identity part. Free text
// inside a kept value stays in the clinical part.
//
// Errors name the reason and the byte offset, never a byte of the input.
package fhir
