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
	texts := []string{r.Prompt}
	zeros := false
	if r.cfg > 1 {
		c.sides, c.cfg = 2, float32(r.cfg)
		zeros = r.Negative == nil && m.ZeroNegative
		negative := ""
		if r.Negative != nil {
			negative = *r.Negative
		}
		if !zeros {
			texts = []string{negative, r.Prompt}
		}
	}
	e, err := m.EncodeText(ctx, p.Backend, texts)
	if err != nil {
		return nil, err
	}
	context, pooled := e.Context, e.Pooled
	if zeros {
		if context, err = zerosBefore(context); err != nil {
			return nil, err
		}
		if pooled, err = zerosBefore(pooled); err != nil {
			return nil, err
		}
	}
	r.trace("prompt_embeds", lastOf(context, r.batch))
	r.trace("pooled", lastOf(pooled, r.batch))
	if c.sides == 2 {
		r.trace("negative_prompt_embeds", firstOf(context, r.batch))
		r.trace("negative_pooled", firstOf(pooled, r.batch))
	}
	c.context, c.pooled = repeatSides(context, r.batch), repeatSides(pooled, r.batch)
	c.timeIDs = tensor.New(tensor.F32, c.sides*r.batch, timeIDs)
	ids := [timeIDs]int{r.original.Height, r.original.Width, r.Crop.Y, r.Crop.X, r.target.Height, r.target.Width}
	for i, v := 0, c.timeIDs.Float32s(); i < len(v); i++ {
		v[i] = float32(ids[i%timeIDs])
	}
	return c, nil
}

// zerosBefore puts a side of zeros in front of a batch of one.
func zerosBefore(t *tensor.Tensor) (*tensor.Tensor, error) {
	return tensor.Concat(0, tensor.New(tensor.F32, t.Shape()...), t)
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
