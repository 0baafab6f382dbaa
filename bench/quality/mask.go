package quality

import (
	"math"
	"slices"
)

// mask marks pixels of a picture of width w.
type mask struct {
	w  int
	on []bool
}

func newMask(w, n int, cells ...[]int) mask {
	m := mask{w, make([]bool, n)}
	for _, part := range cells {
		for _, i := range part {
			m.on[i] = true
		}
	}
	return m
}

// cells returns the marked pixels in order.
func (m mask) cells() []int {
	var cells []int
	for i, on := range m.on {
		if on {
			cells = append(cells, i)
		}
	}
	return cells
}

// and returns what m marks where keep is true.
func (m mask) and(keep func(i int) bool) mask {
	out := newMask(m.w, len(m.on))
	for i, on := range m.on {
		out.on[i] = on && keep(i)
	}
	return out
}

// not marks what m does not.
func (m mask) not() mask {
	out := newMask(m.w, len(m.on))
	for i, on := range m.on {
		out.on[i] = !on
	}
	return out
}

// neighbours calls f with the pixels beside, above and below i.
func (m mask) neighbours(i int, f func(int)) {
	x := i % m.w
	if x > 0 {
		f(i - 1)
	}
	if x < m.w-1 {
		f(i + 1)
	}
	if i >= m.w {
		f(i - m.w)
	}
	if i+m.w < len(m.on) {
		f(i + m.w)
	}
}

// grow returns m and what lies within a number of pixels of it, across and down.
func (m mask) grow(reach int) mask {
	for range reach {
		out := mask{m.w, slices.Clone(m.on)}
		for i, on := range m.on {
			if on {
				m.neighbours(i, func(q int) { out.on[q] = true })
			}
		}
		m = out
	}
	return m
}

// parts returns the connected parts, each as its pixels.
func (m mask) parts() [][]int {
	left := mask{m.w, slices.Clone(m.on)}
	var found [][]int
	for start := range left.on {
		if !left.on[start] {
			continue
		}
		left.on[start] = false
		cells := []int{start}
		for k := 0; k < len(cells); k++ {
			left.neighbours(cells[k], func(q int) {
				if left.on[q] {
					left.on[q] = false
					cells = append(cells, q)
				}
			})
		}
		found = append(found, cells)
	}
	return found
}

// largest returns the largest connected part alone.
func (m mask) largest() mask {
	var part []int
	for _, q := range m.parts() {
		if len(q) > len(part) {
			part = q
		}
	}
	return newMask(m.w, len(m.on), part)
}

// bounds returns the box around pixels; x1 and y1 are one beyond.
func bounds(cells []int, w int) (x0, x1, y0, y1 int) {
	x0, y0 = math.MaxInt, math.MaxInt
	for _, i := range cells {
		x0, x1 = min(x0, i%w), max(x1, i%w+1)
		y0, y1 = min(y0, i/w), max(y1, i/w+1)
	}
	return x0, x1, y0, y1
}
