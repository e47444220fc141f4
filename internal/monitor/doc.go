// Package monitor is the engine: it turns records into profiles, windows, evidence and alarms, for one or more
// models that users describe in model files.
//
// An Engine holds one Instance for each model. Observe counts a record into the pane of its event time; Advance closes
// panes that event time has left behind, slides the windows and feeds closed buckets to the detectors; Collect
// writes samples of the state as it stands; Sections and Restore carry that state over a restart, so that a record
// counted before a commit is neither lost nor counted again after it.
//
// The promise: an Engine and everything it holds belong to one goroutine. Time comes in with the data and with
// Advance; nothing here reads a clock, starts a goroutine or opens a file other than the model and reference files
// that are named to it. In the steady state Observe does not allocate. Memory is bounded: at most 256
// columns a model, at most 50 named categories a column (max_categories), 24 slots a window, 64 kB of state a numeric
// column with three windows at 5,000 records a second; names beyond a limit are counted as "other" and in plumbline_series_dropped_total.
//
// Raw values stay out: numbers are counted in bins, categories are named only when the reference or the model file
// names them or when they were seen often enough, and what was seen last is kept as a hash.
//
// The package does not read logs, does not page anybody and does not decide what a rule says.
package monitor
