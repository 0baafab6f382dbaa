package cpu

import (
	"math"

	"github.com/df65613c/easel/nn"
)

// fourierFilter adds a pass that transforms each row at its two frequencies, one
// that transforms the columns of what that gives, and one that adds the four
// terms to each pixel. A real image's term of frequency f at p is
// cos(f p) sum x cos(f q) + sin(f p) sum x sin(f q).
func (c *compiler) fourierFilter(index int, n *nn.Node, op nn.FourierFilter) {
	x, y, e := n.In[0], n.Out, c.executable
	batch, h, w, ch := x.Dim(0), x.Dim(1), x.Dim(2), x.Dim(3)
	cosX, sinX := oneTurn(w)
	cosY, sinY := oneTurn(h)
	const rowTerms, planeTerms = 3, 7
	rowsAt := c.reserve(index, batch*h*rowTerms*ch*4)
	planesAt := c.reserve(index, batch*planeTerms*ch*4)
	c.step(batch*h, 0, func(_, unit int) {
		terms := elements[float32](rowsAt())[unit*rowTerms*ch:][:rowTerms*ch]
		clear(terms)
		sum, cos, sin := terms[:ch], terms[ch:2*ch], terms[2*ch:]
		for i := range w {
			for j, v := range e.f32(x)[(unit*w+i)*ch:][:ch] {
				sum[j] += v
				cos[j] += v * cosX[i]
				sin[j] += v * sinX[i]
			}
		}
	})
	scale := (float64(op.Scale) - 1) / float64(h*w)
	c.step(batch, 0, func(_, b int) {
		rows := elements[float32](rowsAt())[b*h*rowTerms*ch:]
		plane := elements[float32](planesAt())[b*planeTerms*ch:]
		for j := range ch {
			var t [planeTerms]float64
			for i := range h {
				sum, cos, sin := float64(rows[3*i*ch+j]), float64(rows[(3*i+1)*ch+j]), float64(rows[(3*i+2)*ch+j])
				cy, sy := float64(cosY[i]), float64(sinY[i])
				for k, v := range [planeTerms]float64{sum, cos, sin, sum * cy, sum * sy, cos*cy - sin*sy, sin*cy + cos*sy} {
					t[k] += v
				}
			}
			for k, v := range t {
				plane[k*ch+j] = float32(scale * v)
			}
		}
	})
	c.step(batch*h, 3*ch*4, func(worker, unit int) {
		b, row := unit/h, unit%h
		plane := elements[float32](planesAt())[b*planeTerms*ch:]
		terms := elements[float32](e.scratch[worker])[:3*ch]
		cy, sy := cosY[row], sinY[row]
		for j := range ch {
			t := func(k int) float32 { return plane[k*ch+j] }
			terms[j] = t(0) + t(3)*cy + t(4)*sy
			terms[ch+j] = t(1) + t(5)*cy + t(6)*sy
			terms[2*ch+j] = t(2) - t(5)*sy + t(6)*cy
		}
		sum, cos, sin := terms[:ch], terms[ch:2*ch], terms[2*ch:]
		for i := range w {
			src, dst := e.f32(x)[(unit*w+i)*ch:][:ch], e.f32(y)[(unit*w+i)*ch:][:ch]
			for j, v := range src {
				dst[j] = v + sum[j] + cos[j]*cosX[i] + sin[j]*sinX[i]
			}
		}
	})
}

// oneTurn returns the cosine and sine of n steps of one turn. If n is 1,
// frequency -1 is frequency 0, and both are 0.
func oneTurn(n int) (cos, sin []float32) {
	cos, sin = make([]float32, n), make([]float32, n)
	for i := range n {
		if n > 1 {
			s, c := math.Sincos(2 * math.Pi * float64(i) / float64(n))
			cos[i], sin[i] = float32(c), float32(s)
		}
	}
	return cos, sin
}
