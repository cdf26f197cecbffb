// Package example finds example data for the tests of the module.
//
// Its law: the module's own data lies in testdata here, is synthetic, and is
// enough for every test. A larger collection, in a folder shared/data beside the
// repository or where the environment variable SHARED_DATA points, is tested in
// addition when it is there. No test needs it.
package example
