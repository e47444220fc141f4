package parse

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
)

// TestSkippedNumbersAreNumbers: whatever skipNumbers steps over is what encoding/json takes for elements of an array, and an array
// that nobody asked for is refused exactly when encoding/json refuses it.
func TestSkippedNumbersAreNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"0", "1", "9", "0", "12", ".", ".5", ",", ",", ",", "1,", "0.5,", "10.25,", "1,2,3,", "-", "e1", " ", "00", "..", "]"}
	p := compile(t, "json", FormatOptions{}, paths("score")...).NewParser()
	skipped, valid := 0, 0
	for range 300_000 {
		var text []byte
		for range 1 + rng.IntN(12) {
			text = append(text, pieces[rng.IntN(len(pieces))]...)
		}
		if n := skipNumbers(text, 0); n > 0 {
			skipped++
			if text[n-1] != ',' || !json.Valid([]byte("["+string(text[:n-1])+"]")) {
				t.Fatalf("%q was stepped over in %q", text[:n], text)
			}
		}
		line := []byte(`{"x":[` + string(text) + `],"score":1}`)
		var rec Record
		got := p.Line(line, 0, &rec).Status == Complete
		if want := json.Valid(line); got != want {
			t.Fatalf("%s: taken: %v, by encoding/json: %v", line, got, want)
		} else if want {
			valid++
		}
	}
	if skipped < 10_000 || valid < 1000 {
		t.Errorf("%d arrays were stepped over in part, %d were valid", skipped, valid)
	}
}
