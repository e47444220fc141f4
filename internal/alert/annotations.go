package alert

// Annotations that a page gives a line of its own, beside whatever else a rule writes. All are text for people and none is
// required. Rules write the first four; the others are the triage, which the rules engine adds to every alert that is about an
// alarm and does not say them itself.
const (
	AnnotationSummary     = "summary"     // one sentence without model, node and time: those are added
	AnnotationDescription = "description" // a paragraph
	AnnotationRunbook     = "runbook_url"
	AnnotationDashboard   = "dashboard_url"

	AnnotationMoved            = "moved"             // the quantity that alarmed: share of spam, mean
	AnnotationExpected         = "expected"          // what the reference said of it, in its unit
	AnnotationSeen             = "seen"              // what was seen since the onset, with its interval
	AnnotationEffect           = "effect"            // how far it moved, in its unit
	AnnotationOnset            = "onset"             // most likely time of the change
	AnnotationOnsetInterval    = "onset_interval"    // from … to …
	AnnotationLastGood         = "last_good"         // until when all was well: the earliest onset
	AnnotationRecords          = "records"           // n since the onset
	AnnotationEffectiveRecords = "effective_records" // n that the evidence counts as independent
	AnnotationSegment          = "segment"           // the part of the records that it is about
	AnnotationBreakdown        = "breakdown"         // lines: other quantities, bins and categories that moved most
	AnnotationContributors     = "contributors"      // lines: the features that contribute most
	AnnotationVersionChange    = "version_change"    // lines: version changes near the onset
)
