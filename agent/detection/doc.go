// Package detection plays streams of records to the engine that runs live, and judges what it pages against the budget:
// families in which nothing changes, changes, adversaries, and the real logs of the shared test data.
//
// It complements detectors/sequential/simulate, which does the same to single detectors and can therefore afford many more
// replications: here every case goes the whole way of a record, from its fields over panes and buckets to alarms, with
// the settings of a model file. Everything depends on the seed of a case alone. It uses no clock, and no file beside
// temporary reference files and the shared data.
package detection
