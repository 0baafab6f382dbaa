package sdxl

import (
	"context"

	"github.com/df65613c/easel/tensor"
)

// encode encodes ids [B,tokens] with one of the encoders; skip takes the hidden
// states that many layers before the usual one.
func (p *Pipeline) encode(ctx context.Context, encoder networkKey,
	ids, vectors *tensor.Tensor) (hidden, pooled *tensor.Tensor, err error) {
	encoder.batch, encoder.w = ids.Shape()[0], ids.Shape()[1]
	src := []*tensor.Tensor{ids}
	if encoder.vectors = vectors != nil; encoder.vectors {
		src = append(src, vectors)
	}
	out, err := p.runNetwork(ctx, encoder, src...)
	if err != nil {
		return nil, nil, err
	}
	return out[0], out[1], nil
}
