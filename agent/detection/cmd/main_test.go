package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
)

func call(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(context.Background(), args, &o, &e)
	return code, o.String(), e.String()
}

func TestASmallTableIsPrinted(t *testing.T) {
	code, out, errs := call(t, "-run", "to 0.2", "-scale", ".1", "-seed", "3")
	if code != 0 || errs != "" {
		t.Fatalf("status %d: %s", code, errs)
	}
	for _, want := range []string{"rate .05, event by event, change", "to 0.2 ", "published", "48", "seed 3"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the table:\n%s", want, out)
		}
	}
}

func TestTheSameSeedGivesTheSameNumbers(t *testing.T) {
	numbers := func() any {
		code, out, _ := call(t, "-run", "event by event, change", "-scale", ".05", "-output", "json")
		var v struct{ Cases any }
		if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 {
			t.Fatalf("status %d: %v", code, err)
		}
		again, err := json.Marshal(v.Cases)
		if err != nil {
			t.Fatal(err)
		}
		return string(again)
	}
	if a, b := numbers(), numbers(); a != b {
		t.Errorf("%v\nand then\n%v", a, b)
	}
}

func TestWithoutTimeNothingIsClaimed(t *testing.T) {
	code, out, _ := call(t, "-run", "known mean", "-budget", "1ns")
	if code != 0 || !strings.Contains(out, "undecided") {
		t.Errorf("status %d:\n%s", code, out)
	}
}

func TestWrongCallsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-nonsense"}, {"extra"}, {"-output", "xml"}, {"-scale", "0"}} {
		if code, out, errs := call(t, args...); code != 2 || out != "" || errs == "" {
			t.Errorf("%v: status %d, %q, %q", args, code, out, errs)
		}
	}
}
