package sdxl

import (
	"context"

	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/tensor"
)

// TextTokens is the length to which texts are cut and padded.
const TextTokens = prompt.Length

// encode encodes ids [B,tokens] with one of the encoders; skip takes the hidden
// states that many layers before the usual one.
func (p *Pipeline) encode(ctx context.Context, encoder string, ids *tensor.Tensor, skip int) (hidden, pooled *tensor.Tensor, err error) {
	out, err := p.runNetwork(ctx, networkKey{graph: encoder, batch: ids.Shape()[0], w: ids.Shape()[1], skip: skip}, ids)
	if err != nil {
		return nil, nil, err
	}
	return out[0], out[1], nil
}
