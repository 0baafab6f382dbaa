package sdxl

import (
	"context"
	"fmt"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// conditions are what the UNet is told beside the latents: [sides*batch, ...],
// the negative side first.
type conditions struct {
	guided     bool      // there is a negative side
	weights    []float32 // of the guidance of each positive side
	prediction sched.Prediction
	scenes     []embedded
	at         []int // the scene of each step
	timeIDs    *tensor.Tensor
}

// embedded is the texts of all sides.
type embedded struct{ context, pooled *tensor.Tensor }

// sides returns the number of sides of the batch.
func (c *conditions) sides() int {
	if c.guided {
		return 1 + len(c.weights)
	}
	return len(c.weights)
}

// encodeConditions encodes the prompts for a run of so many steps and repeats
// them for the batch.
func (p *Pipeline) encodeConditions(ctx context.Context, r *resolved, steps int) (*conditions, error) {
	s := r.script(p.Model, steps)
	chunks, err := s.chunks(p.Model)
	if err != nil {
		return nil, err
	}
	encoded, err := p.encodeTexts(ctx, s.texts(), s.PromptOptions)
	if err != nil {
		return nil, err
	}
	negative := encoded
	if s.Syntax == prompt.Diffusers && s.ClipSkip > 0 { // which skips for the prompt alone
		if negative, err = p.encodeTexts(ctx, s.texts(), PromptOptions{Syntax: s.Syntax}); err != nil {
			return nil, err
		}
	}
	c := &conditions{guided: s.guided, weights: s.weights, at: s.at}
	for i, scene := range s.scenes {
		var contexts, pooled []*tensor.Tensor
		for side, b := range scene {
			from := encoded
			if s.guided && !s.zeros && side == 0 {
				from = negative
			}
			e := from.average(b, chunks*prompt.Length)
			contexts, pooled = append(contexts, e.context), append(pooled, e.pooled)
		}
		if s.zeros {
			contexts = append([]*tensor.Tensor{tensor.New(tensor.F32, contexts[0].Shape()...)}, contexts...)
			pooled = append([]*tensor.Tensor{tensor.New(tensor.F32, pooled[0].Shape()...)}, pooled...)
		}
		context, err := tensor.Concat(0, contexts...)
		if err != nil {
			return nil, err
		}
		pools, err := tensor.Concat(0, pooled...)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			r.traceTexts(context, pools, s.guided)
		}
		c.scenes = append(c.scenes, embedded{repeatSides(context, r.batch), repeatSides(pools, r.batch)})
	}
	c.timeIDs = tensor.New(tensor.F32, s.sides()*r.batch, unet.TimeIDs)
	rows := c.timeIDs.Float32s()
	for i := 0; i < len(rows); i += unet.TimeIDs {
		side := r.positive
		if s.guided && i < r.batch*unet.TimeIDs {
			side = r.negative
		}
		side.put(rows[i : i+unet.TimeIDs])
	}
	return c, nil
}

// put writes the sizes in the order of the UNet's time ids.
func (s sizes) put(row []float32) {
	for i, v := range [unet.TimeIDs]int{s.original.Height, s.original.Width, s.crop.Y, s.crop.X, s.target.Height, s.target.Width} {
		row[i] = float32(v)
	}
}

// encodedTexts are the embeddings of texts.
type encodedTexts map[PromptText]PromptEmbedding

func (p *Pipeline) encodeTexts(ctx context.Context, texts []PromptText, o PromptOptions) (encodedTexts, error) {
	list, err := p.Model.EncodePrompts(ctx, p.backend(), texts, o)
	if err != nil {
		return nil, err
	}
	e := make(encodedTexts, len(list))
	for i, t := range texts {
		e[t] = list[i]
	}
	return e, nil
}

// average returns the texts' embeddings averaged by their shares, the contexts
// repeated to so many tokens.
func (e encodedTexts) average(b blend, tokens int) embedded {
	first := e[b[0].text]
	s := first.Context.Shape()
	out := embedded{tensor.New(tensor.F32, 1, tokens, s[2]), tensor.New(tensor.F32, first.Pooled.Shape()...)}
	for i, c := range b {
		add := func(dst, src []float32) {
			share := float32(c.share)
			for j := range dst {
				if x := share * src[j%len(src)]; i == 0 {
					dst[j] = x
				} else {
					dst[j] += x
				}
			}
		}
		add(out.context.Float32s(), e[c.text].Context.Float32s())
		add(out.pooled.Float32s(), e[c.text].Pooled.Float32s())
	}
	return out
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

// row returns row i as a batch of one.
func row(t *tensor.Tensor, i int) *tensor.Tensor {
	v, err := t.Narrow(0, i, i+1)
	if err != nil {
		panic(fmt.Sprintf("sdxl: row %d of %v", i, t.Shape()))
	}
	return v
}
