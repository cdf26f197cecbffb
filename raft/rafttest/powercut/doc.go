// Package powercut is a file system that tells a test when something is being
// made durable, so that the test can look at what a power cut would leave just
// before and just after.
package powercut
