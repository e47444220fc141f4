// Package sequential holds the detectors that may wake a person: e-detectors, whose evidence can be looked at after
// every bucket, for ever, while the number of false pages stays within a budget that the user wrote.
//
// # The promise
//
// A bucket (one minute, say) of a stream brings a factor L that is on average at most 1 while nothing has changed.
// The evidence is M = (M+1)*L, starting at 0, and an alarm is raised when M reaches A; then M starts at 0 again.
// The expected number of false alarms in t buckets is at most t/A, for every t, without asymptotics and without
// tuning (Shin, Ramdas, Rinaldo, arXiv 2203.03532). [LogThreshold] turns "one false page in 30 days" into ln A.
// Averages of such evidence keep the promise under any dependence, which is how the components of a detector, the
// streams of a model and the nodes of a fleet share one budget.
//
// Two rules keep the promise and have tests of their own. A component that does not bet in a bucket (no records, or
// nothing lies beyond its null interval) gets no +1: with L = 1 it would otherwise count buckets and reach A on
// schedule. And the sum M+1 is computed exactly in every bucket: no maximum, no approximation.
//
// # What the types are for
//
//   - [Rate]: a share k of N, such as a class, a missing rate or a repeat rate.
//   - [Mean]: the mean of a score in [0,1], by sums that are kept where the records come in.
//   - [Sets]: a histogram or a set of categories against a reference that is itself a finite sample.
//   - [Recovery]: after an alarm, positive evidence that things are as before. No data is not recovery.
//   - [Budget]: one decision over many streams, and the list of the guilty ones ([LogAverage], [EBH]).
//   - [Season], [SetsSeason], [MeanSeason]: what is normal at this time of the week, learned from a reference.
//   - [Trail], [LocateOnset]: when a change began, and how large it is.
//   - [KeyCap]: at most so many records of one client in a bucket.
//   - [Multinomial], [Normal]: a second choice for histograms, and averages with a known deviation.
//
// # Bounds, concurrency, lifetime
//
// Every detector has a fixed size that is known when it is built; no update allocates. A detector is owned by one
// goroutine; different detectors are independent. Evidence is kept as a number, not as its logarithm (a
// multiplication per component instead of a logarithm), and saturates at e^690: past every threshold there is.
// State is saved by MarshalAppend and restored by Unmarshal, which checks that the state was saved by a detector
// with the same options and leaves the receiver unchanged when it fails.
//
// The package reads no clock, starts no goroutine, does no input or output, and draws no random numbers. It does not
// decide what a page says or whether an incident is open: that is the monitor's.
package sequential
