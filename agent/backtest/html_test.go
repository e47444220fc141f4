package backtest

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

var elsewhere = regexp.MustCompile(`(?i)(src|href)\s*=|url\(|@import|<script|https?://`)

func TestTheReportIsOnePageThatNeedsNothingFromElsewhere(t *testing.T) {
	root := testkit.RepoRoot(t)
	t.Chdir(root)
	r, err := Run(context.Background(), Options{
		ModelPaths: []string{"docs/examples/models"}, Logs: []string{"docs/examples/today.jsonl.gz"}, Report: true,
		Diff: []string{ruleFile(t, windowRule("<b>Odd</b>", "critical", "> 0"))},
	})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if found := elsewhere.FindString(page); found != "" {
		t.Errorf("the report holds %q", found)
	}
	if strings.Contains(page, "<b>Odd</b>") || strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "NaN") {
		t.Error("text of rules is not escaped, or a number is not one")
	}
	for _, want := range []string{r.Notes[0].Summary, "spam-classifier: score", `class="c0 strong"`, `class="band"`, `class="mark"`, "prefers-color-scheme", "@media print", "always fires"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the report", want)
		}
	}
	picture := xml.NewDecoder(strings.NewReader(page[strings.Index(page, "<svg"):strings.Index(page, "</svg>")] + "</svg>"))
	for {
		if _, err := picture.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the picture is not well-formed: %v", err)
		}
	}
}

func TestAResultWithoutReportSaysSo(t *testing.T) {
	if err := new(Result).WriteHTML(io.Discard); !errors.Is(err, ErrNoReport) {
		t.Errorf("%v", err)
	}
}
