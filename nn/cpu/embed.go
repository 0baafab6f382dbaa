package cpu

import (
	"fmt"
	"math"

	"github.com/df65613c/easel/internal/weights"
	"github.com/df65613c/easel/nn"
)

func (c *compiler) embedding(n *nn.Node, op nn.Embedding) error {
	table, format, err := weights.Load(op.Table)
	if err != nil {
		return err
	}
	if len(op.Table.Deltas) > 0 {
		return fmt.Errorf("weight %s has deltas; a table of embeddings takes none", op.Table.Name)
	}
	if !table.IsContiguous() {
		return fmt.Errorf("weight %s with strides %v is not contiguous", op.Table.Name, table.Strides())
	}
	c.countWeight(op.Table, table)
	positions, err := c.vector(op.Positions)
	if err != nil {
		return err
	}
	ids, y, e := n.In[0], n.Out, c.executable
	length, width, vocab := y.Dim(1), y.Dim(2), table.Shape()[0]
	rows := weights.Data(table)
	c.step(y.Dim(0), 0, func(_, unit int) {
		for t, id := range e.i32(ids)[unit*length : (unit+1)*length] {
			if id < 0 || int(id) >= vocab {
				panic(fmt.Errorf("id %d is outside the table %s of %d rows", id, op.Table.Name, vocab))
			}
			dst := e.f32(y)[(unit*length+t)*width:][:width]
			weights.Widen(dst, rows, format, int(id)*width)
			if positions == nil {
				continue
			}
			for i, p := range positions[t*width : (t+1)*width] {
				dst[i] += p
			}
		}
	})
	return nil
}

// parameter copies a weight to each row of a batch.
func (c *compiler) parameter(n *nn.Node, op nn.Parameter) error {
	w, err := c.vector(op.Weight)
	if err != nil {
		return err
	}
	y, e := n.Out, c.executable
	c.step(y.Dim(0), 0, func(_, unit int) { copy(e.f32(y)[unit*len(w):], w) })
	return nil
}

// timestepEmbedding rounds to float32 where the reference does: at a time of
// 999 one unit in the last place of a frequency moves the phase by 6e-5.
func (c *compiler) timestepEmbedding(n *nn.Node, op nn.TimestepEmbedding) {
	x, y, e := n.In[0], n.Out, c.executable
	half := op.Dim / 2
	freqs := make([]float32, half)
	for i := range freqs {
		exponent := float32(-math.Log(10000)) * float32(i) / float32(half)
		freqs[i] = float32(math.Exp(float64(exponent)))
	}
	c.step(x.Shape().NumElements(), 0, func(_, unit int) {
		t, dst := e.f32(x)[unit], e.f32(y)[unit*op.Dim:][:op.Dim]
		for i, f := range freqs {
			sin, cos := math.Sincos(float64(t * f))
			dst[i], dst[half+i] = float32(cos), float32(sin)
		}
	})
}

func (c *compiler) tokenRow(n *nn.Node, op nn.TokenRow) {
	x, ids, y, e := n.In[0], n.In[1], n.Out, c.executable
	length, width := x.Dim(1), x.Dim(2)
	c.step(y.Dim(0), 0, func(_, unit int) {
		at := tokenIndex(e.i32(ids)[unit*length:(unit+1)*length], op.Token)
		copy(e.f32(y)[unit*width:(unit+1)*width], e.f32(x)[(unit*length+at)*width:])
	})
}

// tokenIndex returns the first position of token, or of the largest id if
// token is negative; 0 where the token is missing.
func tokenIndex(ids []int32, token int32) int {
	at := 0
	for i, id := range ids {
		switch {
		case token >= 0 && id == token:
			return i
		case token < 0 && id > ids[at]:
			at = i
		}
	}
	return at
}
