package quality

import (
	"context"
	"fmt"
	"image"
	"io"
	"slices"
	"text/tabwriter"
)

// StyleTally counts the pictures of a style preset by the style that the judge
// names.
type StyleTally struct {
	Style string
	Asked int
	Named map[string]int
}

// RunStyles draws every scene and names the style of the picture. The number
// of the scene is its seed. The progress function, if not nil, is called after
// each picture.
func RunStyles(ctx context.Context, scenes []Scene,
	draw func(ctx context.Context, s Scene, seed int64) (*image.NRGBA, error), progress func(done, total int)) ([]StyleTally,
	error) {
	var tallies []StyleTally
	for i, s := range scenes {
		img, err := draw(ctx, s, int64(i))
		if err != nil {
			return nil, fmt.Errorf("%q in style %s: %w", s.Caption, s.Style, err)
		}
		name, err := StyleOf(img)
		if err != nil {
			return nil, err
		}
		k := slices.IndexFunc(tallies, func(t StyleTally) bool { return t.Style == s.Style })
		if k < 0 {
			k = len(tallies)
			tallies = append(tallies, StyleTally{Style: s.Style, Named: map[string]int{}})
		}
		tallies[k].Asked++
		tallies[k].Named[name]++
		if progress != nil {
			progress(i+1, len(scenes))
		}
	}
	return tallies, nil
}

// WriteStyleTable prints how many pictures of each preset have its style, and
// what the others were taken for.
func WriteStyleTable(w io.Writer, tallies []StyleTally) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "style\tright\tothers taken for")
	asked, right := 0, 0
	for _, t := range tallies {
		fmt.Fprintf(tw, "%s\t%d of %d\t", t.Style, t.Named[t.Style], t.Asked)
		asked, right = asked+t.Asked, right+t.Named[t.Style]
		sep := ""
		for _, name := range Styles() {
			if n := t.Named[name]; n > 0 && name != t.Style {
				fmt.Fprintf(tw, "%s%s %d", sep, name, n)
				sep = ", "
			}
		}
		fmt.Fprintln(tw)
	}
	fmt.Fprintf(tw, "all\t%d of %d (%.0f %%)\t\n", right, asked, 100*float64(right)/float64(max(asked, 1)))
	return tw.Flush()
}
