// Package simulate measures what the sequential detectors promise: how often they page when nothing has changed, and
// how long they take when something has. Everything is seeded, so that a table can be made again to the last digit.
//
// An experiment is cut into replications, each a pure function of a seed, so that a command can run them until its
// time is up and a test can run a few. The package reads no clock and starts no goroutine; memory is that of one
// replication (about 1 MB). It has no detectors of its own and does not say what a good result is, except for the
// budget: Garwood's bound says whether the number of false pages is consistent with it.
package simulate
