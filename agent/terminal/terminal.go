// Package terminal holds what commands show to a person: tables that line up, progress bars and colours.
//
// Colours and progress bars appear only when the writer is a terminal; NO_COLOR and TERM=dumb are obeyed.
// Everything writes to the writer that it is given and holds a few hundred bytes. Not for scripts: those get JSON.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Is reports whether w is a terminal.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Style colours text, or leaves it alone.
type Style struct{ on bool }

// StyleFor is coloured when w is a terminal that wants colours.
func StyleFor(w io.Writer) Style {
	return Style{on: Is(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (s Style) wrap(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Bold, Dim, Red, Green and Yellow are the styles in use.
func (s Style) Bold(t string) string   { return s.wrap("1", t) }
func (s Style) Dim(t string) string    { return s.wrap("2", t) }
func (s Style) Red(t string) string    { return s.wrap("31", t) }
func (s Style) Green(t string) string  { return s.wrap("32", t) }
func (s Style) Yellow(t string) string { return s.wrap("33", t) }

// Table writes rows under a header with two spaces between columns. A column whose name begins with '>' is set to
// the right. Widths count characters, not bytes.
func Table(w io.Writer, s Style, header []string, rows [][]string) error {
	right := make([]bool, len(header))
	names := make([]string, len(header))
	width := make([]int, len(header))
	for i, h := range header {
		names[i], right[i] = strings.CutPrefix(h, ">")
		width[i] = utf8.RuneCountInString(names[i])
	}
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	line := func(cells []string, paint func(string) string) error {
		var b strings.Builder
		for i, cell := range cells {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				b.WriteString("  ")
			}
			switch {
			case right[i]:
				b.WriteString(pad + cell)
			case i == len(cells)-1:
				b.WriteString(cell)
			default:
				b.WriteString(cell + pad)
			}
		}
		_, err := fmt.Fprintln(w, paint(b.String()))
		return err
	}
	if err := line(names, s.Bold); err != nil {
		return err
	}
	for _, row := range rows {
		if err := line(row, func(t string) string { return t }); err != nil {
			return err
		}
	}
	return nil
}

// Progress shows how far long work is. The zero value and nil show nothing.
type Progress struct{ bar *progressbar.ProgressBar }

// NewProgress starts a bar over total bytes; it is silent unless w is a terminal.
func NewProgress(w io.Writer, total int64, what string) *Progress {
	if !Is(w) {
		return &Progress{}
	}
	return &Progress{bar: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what), progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))}
}

// Set moves the bar; Done removes it.
func (p *Progress) Set(done int64) {
	if p != nil && p.bar != nil {
		_ = p.bar.Set64(done) // a bar that cannot be drawn must not stop the work
	}
}

// Done removes the bar.
func (p *Progress) Done() {
	if p != nil && p.bar != nil {
		_ = p.bar.Finish()
	}
}
