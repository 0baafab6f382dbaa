package winograd

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/scratch"
	"github.com/df65613c/easel/internal/kernel/vec"
)

func (w *worker) multiply(mem []byte) {
	filters, mem := scratch.Floats(mem, max(spots*w.CI, spots*w.filterLen()))
	taps, mem := scratch.Floats(mem, len(w.order)*w.kernel.NR)
	products, mem := scratch.Floats(mem, spots*w.productsLen())
	bias, mem := scratch.Floats(mem, w.channels)
	pixels, _ := scratch.Floats(mem, tile*tile*w.channels)
	w.transformFilters(filters, taps)
	for t := w.from; t < w.to; t += w.block {
		n := min(w.block, w.to-t)
		for spot := range spots {
			w.product(products[spot*w.productsLen():], filters[spot*w.filterLen():], t, n, spot)
		}
		for i := range n {
			w.transformOutput(products[i*w.channels:], bias, pixels, t+i)
		}
	}
}

// transformFilters transforms the kernels of the unit's output channels, a
// panel at a time, to panels of every spot.
func (w *worker) transformFilters(filters, taps []float32) {
	nr, area := w.kernel.NR, 9
	weight := w.o.Matrix(w.CI * area)
	for c := w.c0; c < w.c1; c += nr {
		for i := 0; i < w.CI; i += w.fb {
			n := min(w.fb, w.CI-i)
			w.kernel.Pack(taps, weight, c, min(c+nr, w.c1), i*area, (i+n)*area, len(w.order), w.order)
			w.transform(filter, planes{
				Src: unsafe.Pointer(&taps[0]), SrcRow: bytes(3 * w.fb * nr), SrcCol: bytes(w.fb * nr),
				Dst:    unsafe.Pointer(&filters[((c-w.c0)/nr*w.CI+i)*nr]),
				DstRow: bytes(size * w.filterLen()), DstCol: bytes(w.filterLen()),
				N: uintptr(n * nr), Middle: unsafe.Pointer(&w.middle[0]),
			})
		}
	}
}

// product multiplies a spot of n tiles from t on with that of the kernels.
func (w *worker) product(dst, filter []float32, t, n, spot int) {
	nr := w.kernel.NR
	for i0 := 0; i0 < w.CI; i0 += w.ib {
		a := gemm.Tile{
			Segs: &gemm.Whole, NSeg: 1, K: uintptr(min(w.ib, w.CI-i0)), Cols: uintptr(w.c1 - w.c0),
			LDA: bytes(w.stride), LDC: bytes(w.channels),
			B: unsafe.Pointer(&filter[i0*nr]), PanelStride: bytes(w.CI * nr),
		}
		for r, rows := 0, 0; r < n; r += rows {
			rows = w.kernel.Rows(n - r)
			a.Rows = uintptr(rows)
			a.A = unsafe.Add(unsafe.Pointer(w.transformed(t+r, spot)), 4*i0)
			a.C = unsafe.Pointer(&dst[r*w.channels])
			if i0 > 0 {
				a.Add, a.LDAdd = a.C, a.LDC
			}
			w.kernel.Run(&a)
		}
	}
}

// transformOutput makes the pixels of tile t from its products.
func (w *worker) transformOutput(products, bias, pixels []float32, t int) {
	image, y, x := w.place(t)
	w.sumBias(bias[:w.c1-w.c0], image)
	rows, columns := min(tile, w.outH-y), min(tile, w.W-x)
	first := ((image*w.outH+y)*w.W+x)*w.CO + w.c0
	args := planes{
		Src: unsafe.Pointer(&products[0]), SrcRow: bytes(size * w.productsLen()), SrcCol: bytes(w.productsLen()),
		Bias: unsafe.Pointer(&bias[0]), N: uintptr(w.c1 - w.c0), Middle: unsafe.Pointer(&w.middle[0]),
	}
	direct := rows == tile && columns == tile && w.o.Add == nil
	if direct {
		args.Dst, args.DstRow, args.DstCol = unsafe.Pointer(&w.o.Y[first]), bytes(w.W*w.CO), bytes(w.CO)
	} else {
		args.Dst, args.DstRow, args.DstCol = unsafe.Pointer(&pixels[0]), bytes(tile*w.channels), bytes(w.channels)
	}
	w.transform(output, args)
	if direct && w.o.Epilogue == nil {
		return
	}
	for i := range rows {
		for j := range columns {
			at := first + (i*w.W+j)*w.CO
			out := w.o.Y[at:][:w.c1-w.c0]
			made := pixels[(i*tile+j)*w.channels:][:len(out)]
			switch {
			case w.o.Add != nil:
				vec.Add(out, made, w.o.Add[at:][:len(out)])
			case !direct:
				copy(out, made)
			}
			if w.o.Epilogue != nil {
				w.o.Epilogue(out)
			}
		}
	}
}

// sumBias sets dst to the sum of both biases of an image.
func (w *worker) sumBias(dst []float32, image int) {
	clear(dst)
	if w.o.Bias != nil {
		copy(dst, w.o.Bias[w.c0:])
	}
	if w.o.ChannelBias != nil {
		vec.Add(dst, dst, w.o.ChannelBias[image*w.CO+w.c0:][:len(dst)])
	}
}
