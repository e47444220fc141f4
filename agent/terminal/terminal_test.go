package terminal

import (
	"bytes"
	"testing"
)

func TestTablesLineUpAlsoWithWideCharacters(t *testing.T) {
	var out bytes.Buffer
	err := Table(&out, StyleFor(&out), []string{"feature", ">psi", "note"}, [][]string{{"größe", "0.1", "ok"}, {"n", "12.25", ""}})
	want := "feature    psi  note\ngröße      0.1  ok\nn        12.25  \n"
	if err != nil || out.String() != want {
		t.Errorf("got %q, want %q (%v)", out.String(), want, err)
	}
}

func TestNothingIsColouredOrDrawnWhenTheWriterIsNoTerminal(t *testing.T) {
	var out bytes.Buffer
	if got := StyleFor(&out).Red("x"); got != "x" {
		t.Errorf("got %q", got)
	}
	p := NewProgress(&out, 10, "reading")
	p.Set(5)
	p.Done()
	(*Progress)(nil).Set(1)
	if out.Len() != 0 {
		t.Errorf("a progress bar was drawn into a file: %q", out.String())
	}
}
