package lab

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table is rows of text under their names.
type Table struct {
	Columns []string
	Rows    [][]string
}

// WriteMarkdown writes the table as Markdown, in columns of equal width.
func (t Table) WriteMarkdown(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	row := func(cells []string) { fmt.Fprintf(tw, "| %s\t|\n", strings.Join(cells, "\t| ")) }
	row(t.Columns)
	fmt.Fprintf(tw, "%s|\n", strings.Repeat("|---\t", len(t.Columns)))
	for _, cells := range t.Rows {
		row(cells)
	}
	return tw.Flush()
}

// WriteCSV writes the table as CSV.
func (t Table) WriteCSV(w io.Writer) error {
	return csv.NewWriter(w).WriteAll(append([][]string{t.Columns}, t.Rows...))
}

// optional formats a number; nil is nothing.
func optional(format string, v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf(format, *v)
}
