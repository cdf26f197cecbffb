// Command indelibled is the node of an Indelible log: it makes one (init), runs
// it (serve), checks what lies on disk (fsck), and shows the whole of it in one
// step (quickstart).
//
// Its law: commands read flags and configuration and print; founding makes a
// log, node runs one, quickstart plays it. Only main touches signals and the
// exit code.
package main
