package quality

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"image"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
	"time"
)

// Setting is a way to draw.
type Setting struct {
	Sampler, Schedule string
	Steps             int
	CFG               float64
	Cache             string // see sdxl.Options
}

// Draw makes a picture of a caption. The number of the caption is its seed.
type Draw func(ctx context.Context, caption string, seed int64, s Setting) (*image.NRGBA, error)

// Tally counts the pictures of a setting, by kind.
type Tally struct {
	Setting
	Asked, Objects, Right map[string]int
	Seconds               float64 // of a picture
	// PSNR is the mean over the pictures in dB, against those of the same
	// setting without a cache; 0 where these were not drawn before.
	PSNR float64
}

// All is the key of the counts over all kinds.
const All = "all"

// Run draws every scene in every setting and counts what is right. The
// progress function, if not nil, is called after each picture.
func Run(ctx context.Context, scenes []Scene, settings []Setting, draw Draw, progress func(done, total int)) ([]Tally, error) {
	var tallies []Tally
	plain := make(map[Setting][]*image.NRGBA) // pictures without a cache
	for i, setting := range settings {
		t := Tally{Setting: setting, Asked: map[string]int{}, Objects: map[string]int{}, Right: map[string]int{}}
		start := time.Now()
		var drawn []*image.NRGBA
		for j, s := range scenes {
			img, err := draw(ctx, s.Caption, int64(j), setting)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", s.Caption, err)
			}
			drawn = append(drawn, img)
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
		t.Seconds = time.Since(start).Seconds() / float64(len(scenes))
		setting.Cache = ""
		if t.Cache == "" {
			plain[setting] = drawn
		} else if before := plain[setting]; before != nil {
			t.PSNR = meanPSNR(before, drawn)
		}
		tallies = append(tallies, t)
	}
	return tallies, nil
}

// meanPSNR compares pictures of the same sizes one by one.
func meanPSNR(a, b []*image.NRGBA) (mean float64) {
	for i := range a {
		var sum float64
		for j, v := range a[i].Pix {
			d := float64(v) - float64(b[i].Pix[j]) // alpha has no difference
			sum += d * d
		}
		mean += 10 * math.Log10(255*255*float64(len(a[i].Pix)*3/4)/max(sum, 1)) / float64(len(a))
	}
	return mean
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
			fmt.Fprint(tw, "sampler\tschedule\tsteps\tcfg\tcache\t")
			for _, k := range t.columns() {
				fmt.Fprintf(tw, "%s (%d)\t", k, t.Asked[k])
			}
			fmt.Fprintln(tw, "PSNR\ts each\t")
		}
		fmt.Fprintf(tw, "%s\t%s\t%d\t%g\t%s\t", t.Sampler, t.Schedule, t.Steps, t.CFG, cmp.Or(t.Cache, "-"))
		for _, k := range t.columns() {
			fmt.Fprintf(tw, "%.0f %%\t", t.Share(k))
		}
		psnr := "-"
		if t.PSNR > 0 {
			psnr = fmt.Sprintf("%.1f dB", t.PSNR)
		}
		fmt.Fprintf(tw, "%s\t%.2f\t\n", psnr, t.Seconds)
	}
	return tw.Flush()
}

// WriteCSV writes a row for each setting and kind, with the counts.
func WriteCSV(w io.Writer, tallies []Tally) error {
	c := csv.NewWriter(w)
	rows := [][]string{{"sampler", "schedule", "steps", "cfg", "cache", "kind", "asked", "objects", "right"}}
	for _, t := range tallies {
		for _, k := range t.columns() {
			rows = append(rows, []string{t.Sampler, t.Schedule, strconv.Itoa(t.Steps), strconv.FormatFloat(t.CFG, 'g', -1, 64), t.Cache, k,
				strconv.Itoa(t.Asked[k]), strconv.Itoa(t.Objects[k]), strconv.Itoa(t.Right[k])})
		}
	}
	return c.WriteAll(rows)
}
