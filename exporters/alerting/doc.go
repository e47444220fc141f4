// Package alerting turns alerts into notifications and delivers them: routing, grouping, inhibition, silences
// and time intervals as Alertmanager users know them, and a delivery that reconciles what a destination should
// believe with what it has acknowledged.
//
// The promise: an incident ends in its true state. What is wanted is written to disk before it is sent and what
// was acknowledged is written after, so a crash at any moment repeats at most one call on the same dedup key and
// loses none. An alert ends only when somebody says so: no data, a restart, a silence, a mute or a reload never
// resolve it, and a resolve is never withheld because of them.
//
// A Dispatcher is safe for concurrent use and lives from New to Close. It holds at most 20,000 alerts (64 MiB of
// their text), 10,000 incidents that wait for an acknowledgement and 50,000 incidents altogether; what does not
// fit is counted as suppressed with the reason overflow and tried again while it fires. One call per credential
// is under way at a time.
//
// Process and Tick take the time as an argument and touch neither network nor, with an empty StateDir, the
// disk: a backtest calls them in virtual time. The package evaluates no rules and reads no clock except in Run
// and in the API handler.
package alerting
