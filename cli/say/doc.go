// Package say is everything the programs say to a person or a script.
//
// Its law:
//
//   - Results go to standard output, everything else (progress, remarks,
//     errors) to standard error, so that output can be piped.
//   - With --output json standard output carries exactly one JSON value whose
//     member names are a contract: members may be added, never renamed, never
//     given another meaning. An error is then the last line of standard error,
//     one object with a member error; lines before it are remarks.
//   - An error says what happened, what was not done, and what to do next; the
//     exit code says which kind it was.
//   - Nothing of a health record is printed except where the person asked to
//     read it.
package say
