package tail

import (
	"path/filepath"
	"strings"
)

// age orders the rotated files of one live name. Numbers grow with age (app.log.1 is newer than app.log.2), time
// stamps with youth.
type age struct {
	numbered bool
	n        int
	stamp    string
}

// newer says whether a was rotated after b; files that were named by different schemes are not compared.
func (a age) newer(b age) bool {
	switch {
	case a.numbered != b.numbered:
		return false
	case a.numbered:
		return a.n < b.n
	}
	return a.stamp > b.stamp
}

// maxNumber is the largest number that is an index and not a date or a time.
const maxNumber = 9999

// ageOf reads what rotation puts behind the live name (app.log.1, 0.log.20060102-150405, app.log-20060102.gz) or
// before its extension (app-2006-01-02T15-04-05.000.log), compressed or not.
func ageOf(live, base string) (age, bool) {
	base = stripCompression(base)
	if rest, ok := strings.CutPrefix(base, live); ok {
		if a, ok := stampOf(rest); ok {
			return a, true
		}
	}
	ext := filepath.Ext(live)
	stem := strings.TrimSuffix(live, ext)
	if rest, ok := strings.CutPrefix(base, stem); ok && ext != "" && stem != "" {
		if middle, ok := strings.CutSuffix(rest, ext); ok {
			// A number before the extension more often tells two files that live side by side: server-1.log.
			if a, ok := stampOf(middle); ok && !a.numbered {
				return a, true
			}
		}
	}
	return age{}, false
}

func stripCompression(base string) string {
	for _, ext := range []string{".gz", ".zst"} {
		if rest, ok := strings.CutSuffix(base, ext); ok {
			return rest
		}
	}
	return base
}

// stampOf reads a dot and an index, or a separator and a time.
func stampOf(rest string) (age, bool) {
	if len(rest) < 2 || !strings.ContainsRune(".-_", rune(rest[0])) {
		return age{}, false
	}
	dot := rest[0] == '.'
	rest = rest[1:]
	switch rest {
	case "old", "bak", "prev":
		return age{numbered: true, n: 1}, true
	}
	if rest[0] < '0' || rest[0] > '9' {
		return age{}, false
	}
	n, digits := 0, true
	for _, c := range []byte(rest) {
		if c >= '0' && c <= '9' {
			n = min(n*10+int(c-'0'), maxNumber+1)
			continue
		}
		if digits = false; !strings.ContainsRune("-_.:TZ+", rune(c)) {
			return age{}, false
		}
	}
	if digits && n <= maxNumber {
		return age{numbered: true, n: n}, dot
	}
	return age{stamp: rest}, true
}

// familyOf is the live name that base and everything that was rotated from it have in common. For names with a date in
// them and no live file, such as app-20260102.log, it is a name that nothing has.
func familyOf(base string) string {
	family := base
	eachLive(base, func(live string) {
		if len(live) < len(family) {
			family = live
		}
	})
	return family
}

// eachLive calls yield with every name that base may have had before it was rotated or compressed.
func eachLive(base string, yield func(live string)) {
	plainBase := stripCompression(base)
	if plainBase != base {
		yield(plainBase)
	}
	ext := filepath.Ext(plainBase)
	for i := 1; i < len(plainBase); i++ {
		if _, ok := stampOf(plainBase[i:]); ok {
			yield(plainBase[:i])
		}
		if end := len(plainBase) - len(ext); ext != "" && i < end {
			if a, ok := stampOf(plainBase[i:end]); ok && !a.numbered {
				yield(plainBase[:i] + ext)
			}
		}
	}
}
