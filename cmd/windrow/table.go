package main

import (
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// table is rows under headings, as wide as what stands in them.
type table struct {
	heads []string
	// right holds the columns that are aligned at their right end: numbers.
	right map[int]bool
	rows  [][]string
}

// newTable takes the headings; one that begins with ">" is aligned right.
func newTable(heads ...string) *table {
	t := &table{right: map[int]bool{}}
	for i, h := range heads {
		if rest, ok := strings.CutPrefix(h, ">"); ok {
			t.right[i], h = true, rest
		}
		t.heads = append(t.heads, h)
	}
	return t
}

// row adds a line; an empty cell is shown as a dash.
func (t *table) row(cells ...string) {
	for i, c := range cells {
		if c = clean(c); c == "" {
			c = "-"
		}
		cells[i] = c
	}
	t.rows = append(t.rows, cells)
}

// write prints the table; the headings stand out where people look at it.
func (t *table) write(w io.Writer, terminal bool) error {
	widths := make([]int, len(t.heads))
	for _, row := range append([][]string{t.heads}, t.rows...) {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	bold := terminal && os.Getenv("NO_COLOR") == ""
	if bold {
		b.WriteString("\x1b[1m")
	}
	t.line(&b, widths, t.heads)
	if bold {
		b.WriteString("\x1b[0m")
	}
	for _, row := range t.rows {
		b.WriteByte('\n')
		t.line(&b, widths, row)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *table) line(b *strings.Builder, widths []int, row []string) {
	for i, c := range row {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
		switch {
		case t.right[i]:
			b.WriteString(pad + c)
		case i == len(row)-1:
			b.WriteString(c)
		default:
			b.WriteString(c + pad)
		}
		if i < len(row)-1 {
			b.WriteString("  ")
		}
	}
}

// fields is one thing shown with a line for each of its properties.
type fields struct{ lines [][2]string }

// add shows a property; one without a value is left out.
func (f *fields) add(name, value string) {
	if value != "" {
		f.lines = append(f.lines, [2]string{name, value})
	}
}

// write prints the properties, their values one below the other.
func (f *fields) write(w io.Writer) error {
	width := 0
	for _, l := range f.lines {
		width = max(width, len(l[0]))
	}
	var b strings.Builder
	for _, l := range f.lines {
		indent := "\n" + strings.Repeat(" ", width+2)
		value := strings.ReplaceAll(cleanLines(l[1]), "\n", indent)
		b.WriteString(l[0] + strings.Repeat(" ", width-len(l[0])) + "  " + value + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// clean makes text from elsewhere safe to show in one line: what would steer
// the terminal is taken out.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		return visible(r)
	}, s)
}

// cleanLines is clean for text of several lines.
func cleanLines(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return visible(r)
	}, s)
}

func visible(r rune) rune {
	if unicode.IsControl(r) || r == '\u202e' || r == '\u2066' || r == '\u2067' || r == '\u2068' {
		return -1
	}
	return r
}

// short cuts text to n characters.
func short(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

func quote(s string) string { return "`" + s + "`" }
