package monitor

import (
	"fmt"
	"strings"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

// feastSuffixes end the names under which feature stores return the time of a value beside the value: Feast writes
// driver_rating__ts in an online response and driver_rating_event_timestamp in a frame.
var feastSuffixes = [...]string{"_event_timestamp", "__ts"}

// featureAge checks updated_at, age, max_age and max_stale against each other.
func (d *decoder) featureAge(f *FeatureConfig, k entry, set map[string]entry) {
	age, hasAge := set["age"]
	updated, hasUpdated := set["updated_at"]
	if hasAge && hasUpdated {
		d.fail(age.val, age.path, "age and updated_at exclude each other", "one of them", "")
	}
	if o, ok := set["max_age"]; ok && !hasAge && !hasUpdated && !isWildcard(f.Path) {
		d.fail(o.val, k.path, "max_age without updated_at", "where the age is read from", "add updated_at: with the path of the time at which the value was written, or age: with that of its age in seconds")
	}
	if o, ok := set["max_stale"]; ok && f.MaxAge == 0 {
		d.fail(o.val, k.path, "max_stale without max_age", "the age from which on a value is stale", "add max_age: 15m")
	}
	for _, o := range []struct {
		e    entry
		path string
	}{{age, f.Age}, {updated, f.UpdatedAt}} {
		switch {
		case o.path == "":
		case !isWildcard(f.Path) && strings.Contains(o.path, "*"):
			d.fail(o.e.val, o.e.path, fmt.Sprintf("%q has a *, and the feature is no wildcard", clip(o.path)), "the path of one field", "")
		case isWildcard(f.Path) && strings.Count(o.path, "*") != 1:
			d.fail(o.e.val, o.e.path, o.e.name+" on a wildcard", "a path with one * for the part that matched", "write, for example, "+o.e.name+": feature_times.*")
		case isWildcard(f.Path) && !isWildcard(o.path) && !strings.HasPrefix(o.path, strings.TrimSuffix(f.Path, "*")):
			d.fail(o.e.val, o.e.path, fmt.Sprintf("%q neither ends in .* nor lies below %s", clip(o.path), f.Path), "feature_times.*, or "+strings.TrimSuffix(f.Path, "*")+"*_updated", "")
		}
	}
}

// agePattern is where the ages of a wildcard's features stand: before and after the part that matched.
func (f *FeatureConfig) agePattern() (before, after string, ok bool) {
	pattern := f.UpdatedAt + f.Age
	if !f.Wildcard() || pattern == "" {
		return "", "", false
	}
	return strings.Cut(pattern, "*")
}

// ageField is the field of the plan that brings the feature's ages; ok is false when they come with the wildcard of the
// feature itself, or not at all.
func (f *FeatureConfig) ageField() (parse.Field, bool) {
	switch {
	case f.Wildcard() && !isWildcard(f.UpdatedAt+f.Age):
		return parse.Field{}, false
	case f.Age != "":
		return parse.Field{Path: f.Age, Numeric: true}, true
	case f.UpdatedAt != "":
		return parse.Field{Path: f.UpdatedAt, Time: true}, true
	}
	return parse.Field{}, false
}
