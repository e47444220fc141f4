package monitor

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

var errDuration = errors.New("not a duration")

// units of durations in model files, longest name first.
var units = []struct {
	name string
	d    time.Duration
}{
	{"ms", time.Millisecond},
	{"s", time.Second},
	{"m", time.Minute},
	{"h", time.Hour},
	{"d", 24 * time.Hour},
	{"w", 7 * 24 * time.Hour},
}

// ParseDuration reads 10s, 15m, 1h30m, 24h, 7d, 2w.
func ParseDuration(s string) (time.Duration, error) {
	rest, total := s, time.Duration(0)
	if s == "" {
		return 0, errDuration
	}
	for rest != "" {
		n := 0
		for n < len(rest) && (rest[n] >= '0' && rest[n] <= '9' || rest[n] == '.') {
			n++
		}
		x, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil {
			return 0, errDuration
		}
		rest = rest[n:]
		found := false
		for _, u := range units {
			if strings.HasPrefix(rest, u.name) {
				if x*float64(u.d)+float64(total) > math.MaxInt64/2 {
					return 0, errDuration
				}
				total += time.Duration(x * float64(u.d))
				rest, found = rest[len(u.name):], true
				break
			}
		}
		if !found {
			return 0, errDuration
		}
	}
	return total, nil
}

// FormatDuration writes a duration as a model file would: 10m, 1h30m, 7d. It is the value of the window label.
func FormatDuration(d time.Duration) string {
	if d <= 0 {
		return "0s"
	}
	var b strings.Builder
	day := 24 * time.Hour
	if n := d / day; n > 0 && (d%day == 0 || n > 1) && d != day {
		fmt.Fprintf(&b, "%dd", n)
		d %= day
	}
	if n := d / time.Hour; n > 0 {
		fmt.Fprintf(&b, "%dh", n)
		d %= time.Hour
	}
	if n := d / time.Minute; n > 0 {
		fmt.Fprintf(&b, "%dm", n)
		d %= time.Minute
	}
	if n := d / time.Second; n > 0 {
		fmt.Fprintf(&b, "%ds", n)
		d %= time.Second
	}
	if d > 0 {
		fmt.Fprintf(&b, "%dms", d/time.Millisecond)
	}
	return b.String()
}

func (d *decoder) duration(e entry, low, high time.Duration) (time.Duration, bool) {
	expected := fmt.Sprintf("a duration between %s and %s", FormatDuration(low), FormatDuration(high))
	s, ok := d.text(e, expected)
	if !ok {
		return 0, false
	}
	v, err := ParseDuration(s)
	if err != nil {
		fix := "write a number with a unit, such as 30s, 15m, 24h or 7d"
		if _, err := strconv.ParseFloat(s, 64); err == nil {
			fix = fmt.Sprintf("add a unit: %ss, %sm or %sh", s, s, s)
		}
		d.fail(e.val, e.path, fmt.Sprintf("%q is not a duration", clip(s)), expected, fix)
		return 0, false
	}
	if v < low || v > high {
		d.fail(e.val, e.path, s+" is out of range", expected, "")
		return 0, false
	}
	return v, true
}

func (d *decoder) integer(e entry, low, high int64) (int64, bool) {
	expected := fmt.Sprintf("a whole number between %d and %d", low, high)
	s, ok := d.text(e, expected)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
	if err != nil || v < low || v > high {
		d.fail(e.val, e.path, fmt.Sprintf("%q is not that", clip(s)), expected, "")
		return 0, false
	}
	return v, true
}

// float reads a number within (low, high).
func (d *decoder) float(e entry, low, high float64) (float64, bool) {
	expected := fmt.Sprintf("a number between %g and %g", low, high)
	s, ok := d.text(e, expected)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v > low && v < high) {
		d.fail(e.val, e.path, fmt.Sprintf("%q is not that", clip(s)), expected, "")
		return 0, false
	}
	return v, true
}

// volume reads where the profile of traffic comes from.
func (d *decoder) volume(e entry) string {
	words := []string{volumeLearn, volumeReference, volumeOff}
	s, ok := d.text(e, "one of "+list(words))
	if ok && !contains(words, s) {
		d.fail(e.val, e.path, fmt.Sprintf("%q is not that", clip(s)), "one of "+list(words), "")
	}
	return s
}

// onNewVersion reads what happens to the reference when the version changes.
func (d *decoder) onNewVersion(e entry) string {
	words := []string{onVersionKeep, onVersionLearn, onVersionFile}
	s, ok := d.text(e, "one of "+list(words))
	if ok && !contains(words, s) {
		d.fail(e.val, e.path, fmt.Sprintf("%q is not that", clip(s)), "one of "+list(words), "")
	}
	return s
}

// share reads 5% or 0.05.
func (d *decoder) share(e entry) (float64, bool) {
	const expected = "a share between 0% and 100%"
	s, ok := d.text(e, expected)
	if !ok {
		return 0, false
	}
	number, percent := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v > 0 && v < 1) {
		d.fail(e.val, e.path, fmt.Sprintf("%q is not that", clip(s)), expected, "write, for example, 5%")
		return 0, false
	}
	return v, true
}

// budget reads "1 per 30d".
func (d *decoder) budget(e entry) (Budget, bool) {
	const expected = "how many false pages are allowed in how long a time"
	const fix = `write, for example, "1 per 30d"`
	s, ok := d.text(e, expected)
	if !ok {
		return Budget{}, false
	}
	words := strings.Fields(s)
	if len(words) != 3 || (words[1] != "per" && words[1] != "/") {
		d.fail(e.val, e.path, fmt.Sprintf("%q is not a budget", clip(s)), expected, fix)
		return Budget{}, false
	}
	n, err := strconv.ParseFloat(words[0], 64)
	period, err2 := ParseDuration(words[2])
	if err != nil || err2 != nil || !(n > 0) || n > 1000 || period < time.Hour || period > 10*365*24*time.Hour {
		d.fail(e.val, e.path, fmt.Sprintf("%q is not a budget", clip(s)), expected+", with a number above 0 and a period between 1h and ten years", fix)
		return Budget{}, false
	}
	return Budget{Pages: n, Period: period}, true
}

// probability reads "5% per 30d".
func (d *decoder) probability(e entry) (Budget, bool) {
	const expected = "how likely a false page may be in how long a time"
	const fix = `write, for example, "5% per 30d"`
	s, ok := d.text(e, expected)
	if !ok {
		return Budget{}, false
	}
	words := strings.Fields(s)
	if len(words) == 3 && words[1] == "per" {
		number, percent := strings.CutSuffix(words[0], "%")
		p, err := strconv.ParseFloat(number, 64)
		if percent {
			p /= 100
		}
		period, err2 := ParseDuration(words[2])
		if err == nil && err2 == nil && p > 0 && p < 1 && period >= time.Hour && period <= 10*365*24*time.Hour {
			return Budget{Pages: p, Probability: p, Period: period}, true
		}
	}
	d.fail(e.val, e.path, fmt.Sprintf("%q is not that", clip(s)), expected+", between 0% and 100% and between 1h and ten years", fix)
	return Budget{}, false
}

// learn reads "24h" or "5000 records".
func (d *decoder) learn(e entry, r *ReferenceConfig) {
	const expected = "how long to learn, as event time or as a number of records"
	const fix = `write, for example, "24h" or "5000 records"`
	s, ok := d.text(e, expected)
	if !ok {
		return
	}
	words := strings.Fields(s)
	if len(words) == 2 && (words[1] == "records" || words[1] == "record") {
		n, err := strconv.ParseUint(strings.ReplaceAll(words[0], "_", ""), 10, 64)
		if err != nil || n < 100 || n > 1e9 {
			d.fail(e.val, e.path, fmt.Sprintf("%q is not a number of records", clip(words[0])), "between 100 and 1000000000 records", "")
			return
		}
		r.Records = n
		return
	}
	if _, err := strconv.ParseUint(s, 10, 64); err == nil {
		d.fail(e.val, e.path, s+" has no unit", expected, fmt.Sprintf("write %q or %q", s+" records", s+"h"))
		return
	}
	v, err := ParseDuration(s)
	if err != nil {
		d.fail(e.val, e.path, fmt.Sprintf("%q is neither", clip(s)), expected, fix)
		return
	}
	if v < time.Second || v > 400*24*time.Hour {
		d.fail(e.val, e.path, s+" is out of range", "between 1s and 400d", "")
		return
	}
	r.For = v
}

// instant reads a date or an RFC 3339 time.
func (d *decoder) instant(e entry) time.Time {
	const expected = "a date (2026-08-01) or a time (2026-08-01T00:00:00Z)"
	s, ok := d.text(e, expected)
	if !ok {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	d.fail(e.val, e.path, fmt.Sprintf("%q is not a time", clip(s)), expected, "")
	return time.Time{}
}

func isWildcard(path string) bool { return path == "*" || strings.HasSuffix(path, ".*") }

// covers says whether a wildcard path covers another path.
func covers(wildcard, path string) bool {
	prefix := strings.TrimSuffix(wildcard, "*")
	return len(path) > len(prefix) && strings.HasPrefix(path, prefix) && !strings.HasSuffix(path, "*")
}
