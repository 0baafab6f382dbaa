package quality

import (
	"context"
	"encoding/csv"
	"fmt"
	"image"
	"io"
	"strconv"
	"text/tabwriter"
)

// Setting is a way to draw.
type Setting struct {
	Sampler, Schedule string
	Steps             int
	CFG               float64
}

// Draw makes a picture of a caption. The number of the caption is its seed.
type Draw func(ctx context.Context, caption string, seed int64, s Setting) (*image.NRGBA, error)

// Tally counts the pictures of a setting, by kind.
type Tally struct {
	Setting
	Asked, Objects, Right map[string]int
}

// All is the key of the counts over all kinds.
const All = "all"

// Run draws every scene in every setting and counts what is right. The
// progress function, if not nil, is called after each picture.
func Run(ctx context.Context, scenes []Scene, settings []Setting, draw Draw, progress func(done, total int)) ([]Tally, error) {
	var tallies []Tally
	for i, setting := range settings {
		t := Tally{setting, map[string]int{}, map[string]int{}, map[string]int{}}
		for j, s := range scenes {
			img, err := draw(ctx, s.Caption, int64(j), setting)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", s.Caption, err)
			}
			score := s.Judge(img)
			for _, kind := range []string{s.Kind, All} {
				t.Asked[kind]++
				if score.Objects {
					t.Objects[kind]++
				}
				if score.Right {
					t.Right[kind]++
				}
			}
			if progress != nil {
				progress(i*len(scenes)+j+1, len(settings)*len(scenes))
			}
		}
		tallies = append(tallies, t)
	}
	return tallies, nil
}

// Share returns the percentage of pictures of a kind that are all right.
func (t *Tally) Share(kind string) float64 {
	return 100 * float64(t.Right[kind]) / float64(t.Asked[kind])
}

// columns are the kinds that the scenes of a tally have.
func (t *Tally) columns() []string {
	var kinds []string
	for _, k := range append(append([]string(nil), Kinds...), All) {
		if t.Asked[k] > 0 {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// WriteTable prints the percentages drawn all right, a row for each setting.
func WriteTable(w io.Writer, tallies []Tally) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for i, t := range tallies {
		if i == 0 {
			fmt.Fprint(tw, "sampler\tschedule\tsteps\tcfg\t")
			for _, k := range t.columns() {
				fmt.Fprintf(tw, "%s (%d)\t", k, t.Asked[k])
			}
			fmt.Fprintln(tw)
		}
		fmt.Fprintf(tw, "%s\t%s\t%d\t%g\t", t.Sampler, t.Schedule, t.Steps, t.CFG)
		for _, k := range t.columns() {
			fmt.Fprintf(tw, "%.0f %%\t", t.Share(k))
		}
		fmt.Fprintln(tw)
	}
	return tw.Flush()
}

// WriteCSV writes a row for each setting and kind, with the counts.
func WriteCSV(w io.Writer, tallies []Tally) error {
	c := csv.NewWriter(w)
	rows := [][]string{{"sampler", "schedule", "steps", "cfg", "kind", "asked", "objects", "right"}}
	for _, t := range tallies {
		for _, k := range t.columns() {
			rows = append(rows, []string{t.Sampler, t.Schedule, strconv.Itoa(t.Steps), strconv.FormatFloat(t.CFG, 'g', -1, 64), k,
				strconv.Itoa(t.Asked[k]), strconv.Itoa(t.Objects[k]), strconv.Itoa(t.Right[k])})
		}
	}
	return c.WriteAll(rows)
}
