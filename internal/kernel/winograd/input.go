package winograd

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/scratch"
)

// worker is a unit of work: tiles from to to, of a phase whose first tile is
// first, and of output channels c0 to c1.
type worker struct {
	*Plan
	o               *conv.Operands
	shared          []float32
	middle          []float32
	first, from, to int
	c0, c1          int
}

// place returns the image of a tile and its first pixel in the output.
func (w *worker) place(t int) (image, y, x int) {
	return t / w.perImage, t % w.perImage / w.across * tile, t % w.across * tile
}

// transformed returns a spot of the transformed input of a block, from tile t on.
func (w *worker) transformed(t, spot int) *float32 {
	t -= w.first
	return &w.shared[(t/w.block*spots+spot)*w.spotLen()+t%w.block*w.stride]
}

func (w *worker) transformInput(mem []byte) {
	patch, _ := scratch.Floats(mem, spots*w.CI)
	for t := w.from; t < w.to; t++ {
		image, y, x := w.place(t)
		y, x = y-w.PadT, x-1
		args := planes{
			Dst: unsafe.Pointer(w.transformed(t, 0)), DstRow: bytes(size * w.spotLen()), DstCol: bytes(w.spotLen()),
			N: uintptr(w.CI), Middle: unsafe.Pointer(&w.middle[0]),
		}
		if y >= 0 && x >= 0 && y+size <= w.H && x+size <= w.W {
			args.Src = unsafe.Pointer(&w.o.X[((image*w.H+y)*w.W+x)*w.CI])
			args.SrcRow, args.SrcCol = bytes(w.W*w.CI), bytes(w.CI)
		} else {
			w.pad(patch, image, y, x)
			args.Src = unsafe.Pointer(&patch[0])
			args.SrcRow, args.SrcCol = bytes(size*w.CI), bytes(w.CI)
		}
		w.transform(input, args)
	}
}

// pad copies what the image has of a tile that begins at y, x; the rest is 0.
func (w *worker) pad(patch []float32, image, y, x int) {
	clear(patch)
	x0, x1 := max(x, 0), min(x+size, w.W)
	for i := range size {
		if yi := y + i; yi >= 0 && yi < w.H {
			copy(patch[(i*size+x0-x)*w.CI:], w.o.X[((image*w.H+yi)*w.W+x0)*w.CI:((image*w.H+yi)*w.W+x1)*w.CI])
		}
	}
}
