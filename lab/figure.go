package lab

import "slices"

// Figure is lines in a plane. Points without a place on a logarithmic axis are left out.
type Figure struct {
	Title, X, Y string
	LogX, LogY  bool
	Lines       []Line
}

// Line is points under a name.
type Line struct {
	Name   string
	Points [][2]float64
}

// Add adds a point to the line of a name.
func (f *Figure) Add(name string, x, y float64) {
	if f.LogX && x <= 0 || f.LogY && y <= 0 {
		return
	}
	i := slices.IndexFunc(f.Lines, func(l Line) bool { return l.Name == name })
	if i < 0 {
		i = len(f.Lines)
		f.Lines = append(f.Lines, Line{Name: name})
	}
	f.Lines[i].Points = append(f.Lines[i].Points, [2]float64{x, y})
}
