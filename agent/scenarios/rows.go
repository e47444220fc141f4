package scenarios

import (
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/plumbline-ml/plumbline/rules"
)

// minutes after the start of a scenario.
func minutes(n int) model.Duration { return model.Duration(time.Duration(n) * time.Minute) }

// cases are the faults, each followed by its innocent twin.
var cases = []Row{
	{Name: "nothing happens", Twin: true},
	{Name: "null burst, 30 % of ent", Fault: rules.Fault{Kind: "null_burst", Feature: "ent", Factor: .3}, Cause: "missing", Says: []string{"ent", "share missing", "onset"}},
	{Name: "a null now and then, 0.5 %", Fault: rules.Fault{Kind: "null_burst", Feature: "ent", Factor: .005}, Twin: true},
	{Name: "ent goes missing, 0 to 95 %", Fault: rules.Fault{Kind: "missing", Feature: "ent", Factor: .95}, Cause: "missing", Says: []string{"ent", "share missing"}},
	{Name: "ent disappears", Fault: rules.Fault{Kind: "missing", Feature: "ent", Factor: 1}, Cause: "schema", Says: []string{"ent", "is gone", "last good value"}},
	{Name: "ent is gone for 20 seconds", Long: true, Fault: rules.Fault{Kind: "missing", Feature: "ent", Factor: .95, To: model.Duration(faultFrom + 20*time.Second)}, Twin: true},
	{Name: "ent freezes", Fault: rules.Fault{Kind: "frozen", Feature: "ent"}, Cause: "frozen", Says: []string{"ent", "share repeated", "onset"}},
	{Name: "ent stands still for 20 seconds", Long: true, Fault: rules.Fault{Kind: "frozen", Feature: "ent", To: model.Duration(faultFrom + 20*time.Second)}, Twin: true},
	{Name: "unit of len changes, x100", Fault: rules.Fault{Kind: "unit", Feature: "len", Factor: 100}, Cause: "schema", Says: []string{"len", "another unit", "x100", "onset"}},
	{Name: "unit of ttl changes, seconds to milliseconds", Long: true, Fault: rules.Fault{Kind: "unit", Feature: "ttl", Factor: 1000}, Cause: "schema", Says: []string{"ttl", "seconds became milliseconds"}},
	{Name: "caps becomes a percentage", Long: true, Fault: rules.Fault{Kind: "unit", Feature: "caps", Factor: 100}, Cause: "schema", Says: []string{"caps", "a share became a percentage"}},
	{Name: "len grows by a half, which is no unit", Fault: rules.Fault{Kind: "unit", Feature: "len", Factor: 1.5}, Cause: "drift", Says: []string{"len", "median"}},
	{Name: "len grows by 0.5 %", Fault: rules.Fault{Kind: "unit", Feature: "len", Factor: 1.005}, Twin: true},
	{Name: "ent becomes text", Fault: rules.Fault{Kind: "type", Feature: "ent"}, Cause: "schema", Says: []string{"ent", "another type", "last good value"}},
	{Name: "a text among the numbers now and then, 0.3 %", Long: true, Fault: rules.Fault{Kind: "type", Feature: "ent", Factor: .003}, Twin: true},
	{Name: "ent is -1 in 20 % of records", Fault: rules.Fault{Kind: "default_value", Feature: "ent", Factor: .2, Value: -1}, Cause: "quality", Says: []string{"ent", "share of the default -1", "onset"}},
	{Name: "ent is 0 in 10 % of records", Long: true, Fault: rules.Fault{Kind: "default_value", Feature: "ent", Factor: .1}, Cause: "quality", Says: []string{"ent", "share of the default 0"}},
	{Name: "ent is 0 now and then, 0.5 %", Long: true, Fault: rules.Fault{Kind: "default_value", Feature: "ent", Factor: .005}, Twin: true},
	{Name: "a category of geo is seen no more", Fault: rules.Fault{Kind: "category_gone", Feature: "geo", Class: "DE"}, Cause: "quality", Says: []string{"geo", "share of DE", "seen: 0%"}},
	{Name: "new categories, 20 % of geo", Fault: rules.Fault{Kind: "new_category", Feature: "geo", Factor: .2}, Cause: "quality", Says: []string{"geo", "share unseen"}},
	{Name: "a new category now and then, 0.2 %", Long: true, Fault: rules.Fault{Kind: "new_category", Feature: "geo", Factor: .002}, Twin: true},
	{Name: "share of spam doubles", Fault: rules.Fault{Kind: "rate", Factor: 2}, Cause: "drift", Says: []string{"share of spam", "onset"}},
	{Name: "share of spam halves", Long: true, Fault: rules.Fault{Kind: "rate", Factor: .5}, Cause: "drift", Says: []string{"share of spam"}},
	{Name: "share of spam grows by 5 %", Fault: rules.Fault{Kind: "rate", Factor: 1.05}, Twin: true},
	{Name: "spam is predicted no more", Fault: rules.Fault{Kind: "class_gone", Class: "spam"}, Cause: "volume", Says: []string{"share of spam", "last positive", "onset"}},
	{Name: "no spam for three minutes", Fault: rules.Fault{Kind: "class_gone", To: minutes(23)}, Twin: true},
	{Name: "one replica of four doubles ent", Fault: rules.Fault{Kind: "replica_skew", Feature: "ent", Factor: 2}, Cause: "replica", Says: []string{"ent", "r1", "on the others"}},
	{Name: "one replica of four is off by 0.05 %", Long: true, Fault: rules.Fault{Kind: "replica_skew", Feature: "ent", Factor: 1.0005}, Twin: true},
	{Name: "half of the records come ten minutes late", Fault: rules.Fault{Kind: "delayed", Factor: .5, Delay: minutes(10)}, Cause: "agent", Says: []string{"came too late"}},
	{Name: "all records come five minutes late", Fault: rules.Fault{Kind: "delayed", Delay: minutes(5)}, Twin: true},
	{Name: "the feature store stalls", Fault: rules.Fault{Kind: "stale"}, Cause: "stale", Says: []string{"domain_rep", "allowed age", "last fresh value", "onset"}, Shows: 15 * time.Minute},
	{Name: "the feature store pauses for ten minutes", Fault: rules.Fault{Kind: "stale", To: minutes(30)}, Twin: true},
	{Name: "traffic stops", Fault: rules.Fault{Kind: "silence"}, Cause: "volume", Says: []string{"no records for", "newest record"}},
	{Name: "traffic stops for five minutes", Fault: rules.Fault{Kind: "silence", To: minutes(25)}, Twin: true},
	{Name: "traffic falls to a fifth", Fault: rules.Fault{Kind: "volume", Factor: .2}, Cause: "volume", Says: []string{"less traffic than usual", "usually at least", "onset"}},
	{Name: "traffic grows threefold", Long: true, Fault: rules.Fault{Kind: "volume", Factor: 3}, Cause: "volume", Says: []string{"more traffic than usual", "usually at most"}},
	{Name: "traffic falls by a tenth", Fault: rules.Fault{Kind: "volume", Factor: .9}, Twin: true},
	{Name: "traffic grows fourfold for three minutes", Long: true, Fault: rules.Fault{Kind: "volume", Factor: 4, To: minutes(23)}, Twin: true},
	{Name: "a version that behaves the same", Fault: rules.Fault{Kind: "version"}, Twin: true},
	{Name: "a version that calls twice as much spam", Fault: rules.Fault{Kind: "version", Factor: 2}, Cause: "version", Says: []string{"label", "v13", "share of spam", "onset"}},

	// What the page must name beyond the share that is missing.
	{Name: "ent is NaN in 30 %", Fault: rules.Fault{Kind: "nan", Feature: "ent", Factor: .3}, Cause: "missing", Says: []string{"ent", "nan"}},
	{Name: "the nulls of ent become NaN", Of: "nulls", Fault: rules.Fault{Kind: "nan", Feature: "ent", Factor: .05}, Cause: "missing", Says: []string{"ent", "share NaN", "share of nan: expected 0%", "share of null: expected 5"}},
	{Name: "as many nulls as ever", Long: true, Of: "nulls", Twin: true},
	{Name: "ent takes three values in turn", Fault: rules.Fault{Kind: "turns", Feature: "ent"}, Cause: "frozen", Says: []string{"ent", "share of 3 values", "handful of values", "onset"}},
	{Name: "ent takes three values in turn for 20 seconds", Long: true, Fault: rules.Fault{Kind: "turns", Feature: "ent", To: model.Duration(faultFrom + 20*time.Second)}, Twin: true},
	{Name: "each sender keeps its ent", Of: "sender", Fault: rules.Fault{Kind: "held", Feature: "ent"}, Cause: "frozen", Says: []string{"ent", "same entity", "onset"}},
	{Name: "each sender keeps its ent for four minutes", Long: true, Of: "sender", Fault: rules.Fault{Kind: "held", Feature: "ent", To: minutes(24)}, Twin: true},
	{Name: "5 % of ent lie beyond all that it was", Fault: rules.Fault{Kind: "out_of_range", Feature: "ent"}, Cause: "quality", Says: []string{"ent", "share out of range", "onset"}, Tells: []string{"FeatureOutOfRange"}},
	{Name: "2 % of ent lie beyond", Fault: rules.Fault{Kind: "out_of_range", Feature: "ent", Factor: .02}, Twin: true, Tells: []string{"FeatureOutOfRange"}},
	{Name: "0.3 % of ent lie beyond", Long: true, Fault: rules.Fault{Kind: "out_of_range", Feature: "ent", Factor: .003}, Twin: true},
	{Name: "geo gets names of which each comes once", Fault: rules.Fault{Kind: "cardinality", Feature: "geo"}, Cause: "quality", Says: []string{"geo", "share unseen", "different"}},
	{Name: "a field appears", Fault: rules.Fault{Kind: "appears"}, Twin: true, Tells: []string{"FeatureAppeared"}},
	{Name: "ages as Feast writes them, and the store stalls", Long: true, Of: "feast", Fault: rules.Fault{Kind: "stale"}, Cause: "stale", Says: []string{"domain_rep", "allowed age", "last fresh value"}, Shows: 15 * time.Minute},
	{Name: "ages as Feast writes them, and the store pauses", Long: true, Of: "feast", Fault: rules.Fault{Kind: "stale", To: minutes(30)}, Twin: true},
	{Name: "the store's clock is five minutes ahead", Long: true, Fault: rules.Fault{Kind: "clock_skew", Delay: minutes(5)}, Twin: true, Tells: []string{"FeatureClockSkew"}},
	{Name: "half of the spam is none any more", Of: "truth", Fault: rules.Fault{Kind: "concept", Factor: .5}, Cause: "performance", Says: []string{"precision", "expected", "truths"}, Shows: usualTruth},
	{Name: "1 % of the spam is none any more", Of: "truth", Fault: rules.Fault{Kind: "concept", Factor: .01}, Twin: true},
	{Name: "truths that stop for twenty minutes", Of: "truth", Fault: rules.Fault{Kind: "truth_stops", To: minutes(40)}, Twin: true},
	{Name: "spam of one tenant of four trebles", Of: "tenants", Fault: rules.Fault{Kind: "segment_rate"}, Cause: "segment", Says: []string{"tenant=t3", "share of spam", "onset"}},
	{Name: "spam of one tenant grows by 5 %", Of: "tenants", Fault: rules.Fault{Kind: "segment_rate", Factor: 1.05}, Twin: true},
	{Name: "a version to learn from", Long: true, Of: "learns", Fault: rules.Fault{Kind: "version", Factor: 2}, Twin: true, Tells: []string{"ReferenceRebased"}},
	{Name: "a version with a reference of its own", Of: "follows", Fault: rules.Fault{Kind: "version", Factor: 2}, Twin: true, Tells: []string{"ReferenceRebased"}},
	{Name: "a version that does not do what its reference says", Of: "follows", Fault: rules.Fault{Kind: "version", Factor: 6}, Cause: "version", Says: []string{"label", "v13", "share of spam"}},
	{Name: "a version whose reference is not there", Of: "forgotten", Fault: rules.Fault{Kind: "version", Factor: 2}, Cause: "version", Says: []string{"label", "v13", "share of spam"}, Tells: []string{"ReferenceNotRebased"}},
	{Name: "nobody asks, and the server writes other lines", Long: true, Fault: rules.Fault{Kind: "not_called"}, Cause: "volume", Says: []string{"model not called", "no records for"}},
	{Name: "no line can be read", Long: true, Fault: rules.Fault{Kind: "unreadable"}, Cause: "volume", Says: []string{"parser failing"}},
	{Name: "a third of the lines cannot be read", Long: true, Learn: 70 * time.Minute, Fault: rules.Fault{Kind: "unreadable", Factor: .3}, Cause: "quality", Says: []string{"more of its log than usual cannot be read"}},
	{Name: "1 % of the lines cannot be read", Long: true, Learn: 70 * time.Minute, Fault: rules.Fault{Kind: "unreadable", Factor: .01}, Twin: true},
	{Name: "no line can be read for five minutes", Long: true, Fault: rules.Fault{Kind: "unreadable", To: minutes(25)}, Twin: true},
	{Name: "the pod is gone", Long: true, Fault: rules.Fault{Kind: "pod_gone"}, Cause: "volume", Says: []string{"pod gone"}},
	{Name: "the agent does not come to read", Long: true, Fault: rules.Fault{Kind: "agent_behind"}, Cause: "volume", Says: []string{"agent behind"}},
	{Name: "the agent is behind for five minutes", Long: true, Fault: rules.Fault{Kind: "agent_behind", To: minutes(25)}, Twin: true},
	{Name: "one spam in 500 mails, then none", Of: "rare", Fault: rules.Fault{Kind: "class_gone"}, Cause: "volume", Says: []string{"last positive", "would be chance"}},
	{Name: "one spam in 500 mails, none for ten minutes", Of: "rare", Fault: rules.Fault{Kind: "class_gone", To: minutes(30)}, Twin: true},
}

// Miss is what is known to be wrong with a row today.
type Miss struct {
	Wrong string `json:"wrong"` // the one thing that is wrong begins with this
	Why   string `json:"why"`
}

// Misses names the cases that are not as they must be yet, alone and in season. A row that is listed and comes out right, or wrong in another
// way, is as much an error as one that is not listed and comes out wrong: whoever improves a detector takes its rows off this list.
var Misses = map[string]Miss{}

// DefaultSeed is the seed that Misses is about.
const DefaultSeed = 1

const inSeason = ", day and night"

// Key names the row apart from all others.
func (r Row) Key() string {
	if r.Season {
		return r.Name + inSeason
	}
	return r.Name
}

// Rows lists the table: every case alone, then on top of day and night.
func Rows() []Row {
	rows := append([]Row(nil), cases...)
	for _, r := range cases {
		r.Season = true
		rows = append(rows, r)
	}
	return rows
}

// ShortRows is what CI plays: each fault once, and its twin on top of day and night.
func ShortRows() []Row {
	rows := slices.DeleteFunc(append([]Row(nil), cases...), func(r Row) bool { return r.Long })
	for i := range rows {
		rows[i].Season = rows[i].Twin
	}
	return rows
}
