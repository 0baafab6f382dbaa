package winograd

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/kernel/scratch"
	"github.com/df65613c/easel/internal/kernel/vec"
)

func (w *worker) multiply(mem []byte) {
	filters, mem := scratch.Floats(mem, spots*w.filterLen())
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
	kind, packing := filter, gemm.Current()
	if w.kernel.Pairs() {
		kind = filterBF16
	}
	weight := w.o.Matrix(w.CI * area)
	for c := w.c0; c < w.c1; c += nr {
		for i := 0; i < w.CI; i += w.fb {
			n := min(w.fb, w.CI-i)
			packing.Pack(taps, weight, c, min(c+nr, w.c1), i*area, (i+n)*area, len(w.order), w.order)
			at := ((c-w.c0)/nr*w.depth + w.kernel.Steps(i)) * nr
			w.transform(kind, planes{
				Src: unsafe.Pointer(&taps[0]), SrcRow: bytes(3 * w.fb * nr), SrcCol: bytes(w.fb * nr),
				Dst:    unsafe.Pointer(&filters[at]),
				DstRow: bytes(size * w.filterLen()), DstCol: bytes(w.filterLen()),
				N: uintptr(n * nr), Middle: unsafe.Pointer(&w.middle[0]),
			})
			if w.narrow && !w.kernel.Pairs() {
				for spot := range spots {
					v := filters[spot*w.filterLen()+at:][:n*nr]
					convert.RoundBF16(v, v)
				}
			}
		}
	}
}

// product multiplies a spot of n tiles from t on with that of the kernels.
func (w *worker) product(dst, filter []float32, t, n, spot int) {
	nr := w.kernel.NR
	for i0 := 0; i0 < w.depth; i0 += w.ib {
		a := gemm.Tile{
			Segs: &gemm.Whole, NSeg: 1, K: uintptr(min(w.ib, w.depth-i0)), Cols: uintptr(w.c1 - w.c0),
			LDA: bytes(w.stride), LDC: bytes(w.channels),
			B: unsafe.Pointer(&filter[i0*nr]), PanelStride: bytes(w.depth * nr),
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
	full := rows == tile && columns == tile
	switch {
	case full && w.o.Y != nil && w.o.Add == nil && w.o.Add16 == nil:
		args.Dst, args.DstRow, args.DstCol = unsafe.Pointer(&w.o.Y[first]), bytes(w.W*w.CO), bytes(w.CO)
		w.transform(output, args)
		if w.o.Epilogue == nil {
			return
		}
	case full && w.kernel.Pairs() && w.o.Y16 != nil && w.o.Add == nil && w.o.Epilogue == nil && (w.c1-w.c0)%lanes == 0:
		args.Dst, args.DstRow, args.DstCol = unsafe.Pointer(&w.o.Y16[first]), bytes(w.W*w.CO)/2, bytes(w.CO)/2
		if w.o.Add16 != nil {
			args.Add = unsafe.Pointer(&w.o.Add16[first])
		}
		w.transform(outputBF16, args)
		return
	default:
		args.Dst, args.DstRow, args.DstCol = unsafe.Pointer(&pixels[0]), bytes(tile*w.channels), bytes(w.channels)
		w.transform(output, args)
		full = false
	}
	for i := range rows {
		for j := range columns {
			at := first + (i*w.W+j)*w.CO
			if full {
				w.o.Epilogue(w.o.Y[at:][:w.c1-w.c0])
				continue
			}
			w.finish(pixels[(i*tile+j)*w.channels:][:w.c1-w.c0], at)
		}
	}
}

// finish stores some channels of a pixel, which begin at value at of Y.
func (w *worker) finish(made []float32, at int) {
	switch {
	case w.o.Add != nil:
		vec.Add(made, made, w.o.Add[at:][:len(made)])
	case w.o.Add16 != nil:
		for i, v := range w.o.Add16[at:][:len(made)] {
			made[i] += convert.BF16ToF32(v)
		}
	}
	if w.o.Epilogue != nil {
		w.o.Epilogue(made)
	}
	if w.o.Y16 != nil {
		convert.NarrowBF16(w.o.Y16[at:], made)
		return
	}
	copy(w.o.Y[at:], made)
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
