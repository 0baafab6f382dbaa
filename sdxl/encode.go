package sdxl

import (
	"context"
	"errors"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/tensor"
)

// TextTokens is the length to which texts are cut and padded.
const TextTokens = prompt.Length

// TextEmbedding is a batch of encoded texts.
type TextEmbedding struct {
	IDsL, IDsG *tensor.Tensor // [B,77] I32
	HiddenL    *tensor.Tensor // [B,77,L], second to last hidden state of the first encoder
	HiddenG    *tensor.Tensor // [B,77,G], of the second
	Context    *tensor.Tensor // [B,77,L+G], both side by side, as the UNet takes them
	Pooled     *tensor.Tensor // [B,P], the second encoder's projection of the whole text
}

// EncodeText encodes a batch of texts, each cut or padded to 77 tokens.
func (m *Model) EncodeText(ctx context.Context, b nn.Backend, texts []string) (*TextEmbedding, error) {
	e := &TextEmbedding{IDsL: tensor.New(tensor.I32, len(texts), TextTokens), IDsG: tensor.New(tensor.I32, len(texts), TextTokens)}
	if err := m.Require("encoding texts", TextParts); err != nil {
		return nil, err
	}
	if len(texts) == 0 {
		return nil, errors.New("no texts to encode")
	}
	for _, side := range []struct {
		ids    *tensor.Tensor
		encode func(string, int) []int32
	}{{e.IDsL, m.TokenizerL.EncodePadded}, {e.IDsG, m.TokenizerG.EncodePadded}} {
		ids, err := tensor.Data[int32](side.ids)
		if err != nil {
			return nil, err
		}
		for i, text := range texts {
			copy(ids[i*TextTokens:(i+1)*TextTokens], side.encode(text, TextTokens))
		}
	}
	var pooledL *tensor.Tensor
	err := m.encode(ctx, b, textLPart, e.IDsL, 0, &e.HiddenL, &pooledL)
	if err != nil {
		return nil, err
	}
	if err := m.encode(ctx, b, textGPart, e.IDsG, 0, &e.HiddenG, &e.Pooled); err != nil {
		return nil, err
	}
	e.Context, err = tensor.Concat(-1, e.HiddenL, e.HiddenG)
	return e, err
}

// EncodeText is Model.EncodeText under the pipeline's limit of memory.
func (p *Pipeline) EncodeText(ctx context.Context, texts []string) (*TextEmbedding, error) {
	return p.Model.EncodeText(ctx, p.backend(), texts)
}

// encode encodes ids [B,tokens]; the hidden states are those that many layers before the usual one.
func (m *Model) encode(ctx context.Context, b nn.Backend, part string, ids *tensor.Tensor, skip int, hidden, pooled **tensor.Tensor) error {
	e := m.TextL
	if part == textGPart {
		e = m.TextG
	}
	g, err := e.Graph(ids.Shape()[0], ids.Shape()[1], skip)
	if err != nil {
		return err
	}
	out, err := m.network(part, g).RunOnce(ctx, b, nil, ids)
	if err != nil {
		return err
	}
	*hidden, *pooled = out[0], out[1]
	return nil
}
