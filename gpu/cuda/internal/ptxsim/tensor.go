package ptxsim

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/df65613c/easel/internal/kernel/convert"
)

// ldmatrix reads up to four matrices of 8 x 8 halves, whose rows lie at the addresses of
// eight lanes each.
func (p *parser) ldmatrix(op string, operands []string) (step, error) {
	if !strings.HasPrefix(op, "ldmatrix.sync.aligned.m8n8.x4.") {
		return nil, fmt.Errorf("matrices that are not known")
	}
	to, err := p.vector(operands[0])
	if err != nil {
		return nil, err
	}
	base, offset, err := p.address(operands[1])
	if err != nil {
		return nil, err
	}
	transposed := strings.Contains(op, ".trans.")
	return func(w *warp, mask uint32) {
		whole(mask)
		rows := w.r[base]
		for i, s := range to {
			var m [8][]byte
			for row := range m {
				m[row] = w.block.data[w.place(rows[8*i+row]+offset, 16):][:16]
			}
			for l := range lanes {
				if transposed {
					row, column := l%4*2, l/4
					w.shared(rows[8*i+row]+offset+2*uint64(column), 2, l, false)
					w.shared(rows[8*i+row+1]+offset+2*uint64(column), 2, l, false)
					w.r[s][l] = get(m[row][2*column:], 2) | get(m[row+1][2*column:], 2)<<16
					continue
				}
				w.shared(rows[8*i+l/4]+offset+uint64(l%4*4), 4, l, false)
				w.r[s][l] = get(m[l/4][l%4*4:], 4)
			}
		}
	}, nil
}

func whole(mask uint32) {
	if mask != math.MaxUint32 {
		panic("an instruction for whole warps")
	}
}

// mma is a product of matrices of halves, 16 x k and k x 8, added to one of float32. Their
// elements lie in the lanes as the manual has it.
func (p *parser) mma(op string, operands []string) (step, error) {
	depth := 0
	switch op {
	case "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32":
		depth = 8
	case "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32":
		depth = 16
	default:
		return nil, fmt.Errorf("a product that is not known")
	}
	var v [4][]slot
	for i := range v {
		var err error
		if v[i], err = p.vector(operands[i]); err != nil {
			return nil, err
		}
	}
	if len(v[0]) != 4 || len(v[1]) != depth/4 || len(v[2]) != depth/8 || !slices.Equal(v[0], v[3]) {
		return nil, fmt.Errorf("a product of other operands")
	}
	return func(w *warp, mask uint32) {
		whole(mask)
		var a [16][16]float32
		var b [8][16]float32
		for l := range lanes {
			g, t := l/4, l%4
			for i, s := range v[1] {
				row, column := g+8*(i&1), 2*t+8*(i>>1)
				a[row][column], a[row][column+1] = halves(w.r[s][l])
			}
			for i, s := range v[2] {
				k := 2*t + 8*i
				b[g][k], b[g][k+1] = halves(w.r[s][l])
			}
		}
		for l := range lanes {
			g, t := l/4, l%4
			for i, s := range v[0] {
				row, column := &a[g+8*(i>>1)], &b[2*t+i&1]
				sum := float(w.r[s][l])
				for k := range depth {
					sum += row[k] * column[k]
				}
				w.r[s][l] = word(sum)
			}
		}
	}, nil
}

func halves(v uint64) (low, high float32) {
	return convert.F16ToF32(uint16(v)), convert.F16ToF32(uint16(v >> 16))
}

// shuffle reads a register of the lane whose number differs in some bits.
func (p *parser) shuffle(words, operands []string) (step, error) {
	if len(words) < 4 || words[1] != "sync" || words[2] != "bfly" {
		return nil, fmt.Errorf("a shuffle that is not known")
	}
	to, _, _ := strings.Cut(operands[0], "|")
	var s []slot
	for _, o := range []string{to, operands[1], operands[2], operands[3]} {
		r, err := p.operand(o)
		if err != nil {
			return nil, err
		}
		s = append(s, r)
	}
	return func(w *warp, mask uint32) {
		whole(mask)
		if w.r[s[3]][0] != lanes-1 {
			panic("a shuffle within parts of a warp")
		}
		from := w.r[s[1]]
		for l := range lanes {
			w.r[s[0]][l] = from[l^int(w.r[s[2]][l])&31]
		}
	}, nil
}
