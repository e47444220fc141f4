package simulator

import (
	"math"
	"math/bits"
	"strconv"
	"time"
)

// feature is one entry below "features": either number or category is set.
type feature struct {
	name     string
	digits   int // after the decimal point when numbers are rounded
	number   func(s *Simulator, spam bool) float64
	category []string // drawn with weights 1, 1/2, 1/3, …
}

// features are what the classifier is fed. Spam differs from ham in some of them.
var features = []feature{
	{name: "len", number: func(s *Simulator, spam bool) float64 { return math.Round(600 * math.Exp(s.rng.NormFloat64())) }},
	{name: "urls", number: func(s *Simulator, spam bool) float64 { return float64(s.poisson(pick(spam, 5, 1.2))) }},
	{name: "caps", digits: 3, number: func(s *Simulator, spam bool) float64 { return s.beta(pickInt(spam, 3, 1), 9) }},
	{name: "digits", digits: 3, number: func(s *Simulator, spam bool) float64 { return s.beta(1, 12) }},
	{name: "excl", number: func(s *Simulator, spam bool) float64 { return float64(s.poisson(pick(spam, 2, .3))) }},
	{name: "html", digits: 2, number: func(s *Simulator, spam bool) float64 { return s.rng.Float64() }},
	{name: "imgs", number: func(s *Simulator, spam bool) float64 { return float64(s.poisson(.8)) }},
	{name: "att", number: func(s *Simulator, spam bool) float64 { return float64(s.poisson(.2)) }},
	{name: "rcpts", number: func(s *Simulator, spam bool) float64 { return 1 + float64(s.poisson(pick(spam, 3, .5))) }},
	{name: "hops", number: func(s *Simulator, spam bool) float64 { return 2 + float64(s.poisson(2)) }},
	{name: "ip_rep", digits: 3, number: func(s *Simulator, spam bool) float64 { return s.beta(pickInt(spam, 2, 6), 3) }},
	{name: "ttl", number: func(s *Simulator, spam bool) float64 { return float64(s.rng.IntN(48)) * 300 }},
	{name: "ent", digits: 3, number: func(s *Simulator, spam bool) float64 { return 4.2 + .4*s.rng.NormFloat64() }},
	{name: "bayes", digits: 4, number: func(s *Simulator, spam bool) float64 { return s.beta(pickInt(spam, 5, 1), pickInt(spam, 1, 5)) }},
	{name: "lang_p", digits: 3, number: func(s *Simulator, spam bool) float64 { return s.beta(9, 1) }},
	{name: "sim", digits: 3, number: func(s *Simulator, spam bool) float64 { return s.beta(2, 5) }},
	{name: "vel", digits: 2, number: func(s *Simulator, spam bool) float64 { return 3 * s.gamma(1) }},
	{name: "spf", number: func(s *Simulator, spam bool) float64 { return float64(s.rng.IntN(4)) }},
	{name: "dkim", number: func(s *Simulator, spam bool) float64 { return float64(s.rng.IntN(2)) }},
	{name: "domain_rep", digits: 3, number: func(s *Simulator, spam bool) float64 { return s.beta(4, 2) }},
	{name: "tld", category: []string{"com", "net", "org", "de", "ch", "io", "ru", "xyz"}},
	{name: "lang", category: []string{"en", "de", "fr", "es", "pt"}},
	{name: "geo", category: []string{"US", "CH", "DE", "FR", "BR", "IN"}},
	{name: "mua", category: []string{"ios", "web", "outlook", "tbird", "none"}},
	{name: "ctype", category: []string{"html", "text", "mixed"}},
	{name: "auth", category: []string{"pass", "fail", "none"}},
	{name: "tls", category: []string{"1.3", "1.2", "no"}},
	{name: "src", category: []string{"mx1", "mx2", "mx3", "mx4"}},
}

func pick(spam bool, yes, no float64) float64 {
	if spam {
		return yes
	}
	return no
}

func pickInt(spam bool, yes, no int) int {
	if spam {
		return yes
	}
	return no
}

// AppendRecord appends one JSON line, newline included, of about 520 bytes with rounded numbers.
// at is the time of the request; the feature store was refreshed at the last full second unless it stalls.
func (s *Simulator) AppendRecord(dst []byte, at time.Time) []byte {
	s.serial++
	if !s.stalled || s.storeUpdated.IsZero() {
		s.storeUpdated = at.Truncate(time.Second)
	}
	spam := s.rng.Float64() < s.opts.SpamShare
	s.spam = spam
	score := s.beta(pickInt(spam, 8, 1), pickInt(spam, 2, 10))
	if s.withheld && score >= .5 {
		score -= .5
	}
	tenant := 0
	if n := uint64(max(s.opts.Tenants, 0)); n > 0 {
		// t1 has half of the mail, t2 a quarter, and so on; the last one what is left.
		tenant = min(bits.TrailingZeros64(s.serial*0x9e3779b97f4a7c15>>32|1<<32)+1, int(n))
	}
	if s.overcall > 0 && score < .5 && (s.overcallIn == 0 || s.overcallIn == tenant) && s.trouble.Float64() < s.overcall {
		score += .5
	}
	label := "ham"
	if score >= .5 {
		label = "spam"
	}
	dst = append(dst, `{"ts":"`...)
	dst = at.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	dst = append(dst, `","id":"`...)
	dst = appendID(dst, s.serial)
	dst = append(dst, `","version":"`...)
	dst = append(dst, s.opts.Version...)
	replica := 0
	if n := uint64(max(s.opts.Replicas, 0)); n > 0 {
		replica = int(s.serial%n) + 1
		dst = append(dst, `","replica":"r`...)
		dst = strconv.AppendInt(dst, int64(replica), 10)
	}
	if n := uint64(max(s.opts.Senders, 0)); n > 0 {
		s.sender = int(s.serial * 0x9e3779b97f4a7c15 >> 32 % n) // mixed, so that it is not in step with the replicas
		dst = append(dst, `","sender":"s`...)
		dst = strconv.AppendInt(dst, int64(s.sender), 10)
	}
	if tenant > 0 {
		dst = append(dst, `","tenant":"t`...)
		dst = strconv.AppendInt(dst, int64(tenant), 10)
	}
	dst = append(dst, `","took_ms":`...)
	dst = s.appendNumber(dst, 2+3*s.gamma(2), 3)
	dst = append(dst, `,"prediction":{"score":`...)
	dst = s.appendNumber(dst, score, 4)
	dst = append(dst, `,"label":"`...)
	dst = append(dst, label...)
	dst = append(dst, `"},"features":{`...)
	if s.opts.ShuffleKeys {
		s.rng.Shuffle(len(s.order), func(i, j int) { s.order[i], s.order[j] = s.order[j], s.order[i] })
	}
	for _, i := range s.order {
		dst = s.appendFeature(dst, i, spam, replica)
	}
	if s.extra {
		dst = append(dst, `"arc":`...)
		dst = strconv.AppendInt(dst, int64(s.trouble.IntN(4)), 10)
		dst = append(dst, ',')
	}
	if s.opts.FeastTimes {
		dst = append(dst, `"domain_rep_event_timestamp":"`...)
		dst = s.storeUpdated.Add(s.skew).UTC().AppendFormat(dst, time.RFC3339)
		return append(dst, '"', '}', '}', '\n')
	}
	dst = append(dst, `"domain_rep_ts":`...)
	dst = strconv.AppendInt(dst, s.storeUpdated.Add(s.skew).Unix(), 10)
	return append(dst, '}', '}', '\n')
}

// Truth says what the newest record was truly about, as people find out later: its serial number, and whether it was spam.
func (s *Simulator) Truth() (serial uint64, spam bool) {
	return s.serial, s.spam && !(s.turned > 0 && s.trouble.Float64() < s.turned)
}

// AppendTruth appends the line that says so about a record: {"ts":…,"id":…,"truth":"spam"}. at is when it was found out.
func (s *Simulator) AppendTruth(dst []byte, at time.Time, serial uint64, spam bool) []byte {
	dst = append(dst, `{"ts":"`...)
	dst = at.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	dst = append(dst, `","id":"`...)
	dst = appendID(dst, serial)
	dst = append(dst, `","truth":"`...)
	if spam {
		return append(dst, "spam\"}\n"...)
	}
	return append(dst, "ham\"}\n"...)
}

// appendFeature appends one key with its value and a comma, or nothing when a fault takes the feature away.
func (s *Simulator) appendFeature(dst []byte, i int, spam bool, replica int) []byte {
	f, before := &features[i], len(dst)
	dst = append(dst, '"')
	dst = append(dst, f.name...)
	dst = append(dst, '"', ':')
	at, number := len(dst), 0.0
	if f.number != nil {
		number = f.number(s, spam)
		dst = s.appendNumber(dst, number, f.digits)
	} else {
		dst = append(dst, '"')
		dst = append(dst, f.category[s.zipf(len(f.category))]...)
		dst = append(dst, '"')
	}
	if s.broken != nil && s.broken[i] != nil {
		value, there := s.spoil(s.broken[i], f, append(s.value[:0], dst[at:]...), number, replica)
		if !there {
			return dst[:before]
		}
		s.value = value
		dst = append(dst[:at], value...)
	}
	return append(dst, ',')
}

func (s *Simulator) appendNumber(dst []byte, x float64, digits int) []byte {
	switch {
	case s.opts.FullPrecision && x != math.Trunc(x):
		return strconv.AppendFloat(dst, x, 'g', -1, 64)
	default:
		return strconv.AppendFloat(dst, x, 'f', digits, 64)
	}
}

// appendID writes a serial number as 16 hexadecimal digits.
func appendID(dst []byte, serial uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789abcdef"[serial>>shift&15])
	}
	return dst
}

// zipf draws 0..n−1 with weights 1, 1/2, 1/3, …
func (s *Simulator) zipf(n int) int {
	total := 0.0
	for i := range n {
		total += 1 / float64(i+1)
	}
	u := s.rng.Float64() * total
	for i := range n {
		if u -= 1 / float64(i+1); u < 0 {
			return i
		}
	}
	return n - 1
}
