package winograd

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/conv"
	"github.com/df65613c/easel/internal/kernel/convert"
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
	kind, value := input, uintptr(4) // bytes
	if w.kernel.Pairs() {
		kind, value = inputBF16, 2
	}
	pixel := value * uintptr(w.CI)
	for t := w.from; t < w.to; t++ {
		image, y, x := w.place(t)
		y, x = y-w.PadT, x-1
		args := planes{
			Dst: unsafe.Pointer(w.transformed(t, 0)), DstRow: bytes(size * w.spotLen()), DstCol: bytes(w.spotLen()),
			N: uintptr(w.CI), Middle: unsafe.Pointer(&w.middle[0]), SrcCol: pixel,
		}
		if first := w.inside(image, y, x); first != nil {
			args.Src, args.SrcRow = first, pixel*uintptr(w.W)
		} else {
			w.pad(patch, image, y, x)
			args.Src, args.SrcRow = unsafe.Pointer(&patch[0]), pixel*size
		}
		w.transform(kind, args)
		if w.narrow && !w.kernel.Pairs() {
			for spot := range spots {
				v := unsafe.Slice(w.transformed(t, spot), w.CI)
				convert.RoundBF16(v, v)
			}
		}
	}
}

// inside returns the first pixel of a tile that the transform can read where it
// is, or nil.
func (w *worker) inside(image, y, x int) unsafe.Pointer {
	if y < 0 || x < 0 || y+size > w.H || x+size > w.W {
		return nil
	}
	at := ((image*w.H+y)*w.W + x) * w.CI
	switch {
	case w.kernel.Pairs():
		return unsafe.Pointer(&w.o.X16[at])
	case w.narrow:
		return nil
	}
	return unsafe.Pointer(&w.o.X[at])
}

// pad copies what the image has of a tile that begins at y, x; the rest is 0.
func (w *worker) pad(patch []float32, image, y, x int) {
	clear(patch)
	x0, x1 := max(x, 0), min(x+size, w.W)
	for i := range size {
		yi := y + i
		if yi < 0 || yi >= w.H {
			continue
		}
		dst, from, n := (i*size+x0-x)*w.CI, ((image*w.H+yi)*w.W+x0)*w.CI, (x1-x0)*w.CI
		switch {
		case w.kernel.Pairs():
			halves := unsafe.Slice((*uint16)(unsafe.Pointer(&patch[0])), len(patch))
			copy(halves[dst:], w.o.X16[from:from+n])
		case w.narrow:
			convert.WidenBF16(patch[dst:dst+n], w.o.X16[from:])
		default:
			copy(patch[dst:], w.o.X[from:from+n])
		}
	}
}
