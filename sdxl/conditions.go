package sdxl

import (
	"context"
	"fmt"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/tensor"
)

// conditions are what the UNet is told beside the latents: [sides*batch, ...],
// the negative side first.
type conditions struct {
	sides                    int
	cfg                      float32
	prediction               sched.Prediction
	context, pooled, timeIDs *tensor.Tensor
}

// encodeConditions encodes the prompts and repeats them for the batch.
func (p *Pipeline) encodeConditions(ctx context.Context, r *resolved) (*conditions, error) {
	m := p.Model
	c := &conditions{sides: 1, cfg: 1}
	positive, negative := r.sides()
	zeros := false
	if r.cfg > 1 {
		c.sides, c.cfg = 2, float32(r.cfg)
		if zeros = negative == nil && m.ZeroNegative; !zeros && negative == nil {
			negative = []WeightedPrompt{{"", 1}}
		}
	} else {
		negative = nil
	}
	e, err := m.EncodeText(ctx, p.backend(), texts(append(negative, positive...)))
	if err != nil {
		return nil, err
	}
	side := func(t *tensor.Tensor) (*tensor.Tensor, error) {
		out := average(t, len(negative), positive)
		switch {
		case zeros:
			return tensor.Concat(0, tensor.New(tensor.F32, out.Shape()...), out)
		case c.sides == 2:
			return tensor.Concat(0, average(t, 0, negative), out)
		}
		return out, nil
	}
	context, err := side(e.Context)
	if err != nil {
		return nil, err
	}
	pooled, err := side(e.Pooled)
	if err != nil {
		return nil, err
	}
	r.trace("prompt_embeds", lastOf(context, r.batch))
	r.trace("pooled", lastOf(pooled, r.batch))
	if c.sides == 2 {
		r.trace("negative_prompt_embeds", firstOf(context, r.batch))
		r.trace("negative_pooled", firstOf(pooled, r.batch))
	}
	c.context, c.pooled = repeatSides(context, r.batch), repeatSides(pooled, r.batch)
	c.timeIDs = tensor.New(tensor.F32, c.sides*r.batch, timeIDs)
	rows := c.timeIDs.Float32s()
	for i := 0; i < len(rows); i += timeIDs {
		side := r.positive
		if c.sides == 2 && i < len(rows)/2 {
			side = r.negative
		}
		side.put(rows[i : i+timeIDs])
	}
	return c, nil
}

// put writes the sizes in the order of the UNet's time ids.
func (s sizes) put(row []float32) {
	for i, v := range [timeIDs]int{s.original.Height, s.original.Width, s.crop.Y, s.crop.X, s.target.Height, s.target.Width} {
		row[i] = float32(v)
	}
}

// repeatSides repeats each row of t n times in place.
func repeatSides(t *tensor.Tensor, n int) *tensor.Tensor {
	s := t.Shape().Clone()
	rows := s[0]
	s[0] *= n
	out := tensor.New(tensor.F32, s...)
	src, dst := t.Float32s(), out.Float32s()
	size := len(src) / rows
	for i := range rows * n {
		copy(dst[i*size:(i+1)*size], src[i/n*size:][:size])
	}
	return out
}

func firstOf(t *tensor.Tensor, n int) *tensor.Tensor { return repeatSides(row(t, 0), n) }

func lastOf(t *tensor.Tensor, n int) *tensor.Tensor { return repeatSides(row(t, t.Shape()[0]-1), n) }

// row returns row i as a batch of one.
func row(t *tensor.Tensor, i int) *tensor.Tensor {
	v, err := t.Narrow(0, i, i+1)
	if err != nil {
		panic(fmt.Sprintf("sdxl: row %d of %v", i, t.Shape()))
	}
	return v
}
