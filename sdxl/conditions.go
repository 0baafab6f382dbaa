package sdxl

import (
	"context"
	"fmt"
	"slices"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// Conditions are the inputs of the UNet beside the latents, for a run of the
// options that they were made from: the texts of each step, sizes, noise levels.
type Conditions struct {
	resolved
	*script
	schedule *sched.Schedule
	texts    *encodedTexts
	negative *encodedTexts // of the negative side
	tokens   int           // that all contexts are repeated to
	scale    int           // pixels of a latent
	channels int           // of latents
	timeIDs  *tensor.Tensor
	guidance *tensor.Tensor // the embedding of the scale for each row, or nil
}

// Schedule returns the noise levels of the run.
func (c *Conditions) Schedule() *sched.Schedule { return c.schedule }

// latents returns their shape [B,4,h,w].
func (c *Conditions) latents() tensor.Shape {
	return tensor.Shape{c.resolved.batch, c.channels, c.Height / c.scale, c.Width / c.scale}
}

// embedded is the texts of all sides.
type embedded struct{ context, pooled *tensor.Tensor }

// Encode reads the options and encodes the prompts: the first stage of Generate.
func (p *Pipeline) Encode(ctx context.Context, o Options) (*Conditions, error) {
	m := p.model
	if err := m.Require("encoding prompts for a picture", AllParts); err != nil {
		return nil, err
	}
	r, err := p.resolve(o)
	if err != nil {
		return nil, err
	}
	schedule, err := r.schedule(&m.Scheduler)
	if err != nil {
		return nil, optionFault(err)
	}
	schedule = schedule.Until(o.SkipEnd)
	if err := r.checkCalls(ctx, m, schedule); err != nil {
		return nil, err
	}
	r.pick(schedule)
	s, err := r.script(m, len(schedule.Timesteps))
	if err != nil {
		return nil, err
	}
	chunks, _, err := s.chunks(m)
	if err != nil {
		return nil, err
	}
	c := &Conditions{
		resolved: r, script: s, schedule: schedule, tokens: chunks * prompt.Length, scale: m.VAE.Config.Scale(),
		channels: m.VAE.Config.LatentChannels,
	}
	if c.texts, err = p.encodeTexts(ctx, s.texts(), s.PromptOptions); err != nil {
		return nil, err
	}
	c.negative = c.texts
	if s.Syntax == prompt.Diffusers && s.ClipSkip > 0 { // which skips for the prompt alone
		if c.negative, err = p.encodeTexts(ctx, s.texts(),
			PromptOptions{Syntax: s.Syntax, adapters: r.set, inverted: r.inverted}); err != nil {
			return nil, err
		}
	}
	if r.Trace != nil {
		first, err := c.scene(0)
		if err != nil {
			return nil, err
		}
		r.traceTexts(first.context, first.pooled, s.guided)
	}
	if e := m.UNet.GuidanceEmbedding(r.cfg); e != nil {
		rows := s.sides() * r.batch
		if c.guidance, err = tensor.FromSlice(slices.Repeat(e, rows), rows, len(e)); err != nil {
			return nil, err
		}
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

// scene returns the conditioning of the sides in one of the scenes, for each
// picture of the batch. Between scenes only the texts' chunks are kept, each
// once.
func (c *Conditions) scene(i int) (embedded, error) {
	var contexts, pooled []*tensor.Tensor
	if c.zeros {
		contexts, pooled = append(contexts, tensor.New(tensor.F32, 1, c.tokens, c.texts.width)),
			append(pooled, tensor.New(tensor.F32, 1, c.texts.pooled))
	}
	for _, b := range c.scenes[i] {
		from := c.texts
		if c.guided && len(contexts) == 0 {
			from = c.negative
		}
		e := from.average(b, c.tokens)
		contexts, pooled = append(contexts, e.context), append(pooled, e.pooled)
	}
	context, err := tensor.Concat(0, contexts...)
	if err != nil {
		return embedded{}, err
	}
	pools, err := tensor.Concat(0, pooled...)
	if err != nil {
		return embedded{}, err
	}
	return embedded{repeatSides(context, c.resolved.batch), repeatSides(pools, c.resolved.batch)}, nil
}

// put writes the sizes in the order of the UNet's time ids.
func (s sizes) put(row []float32) {
	for i, v := range [unet.TimeIDs]int{s.original.Height, s.original.Width, s.crop.Y, s.crop.X, s.target.Height, s.target.Width} {
		row[i] = float32(v)
	}
}

// average returns the texts' embeddings averaged by their shares, the contexts
// repeated to a number of tokens.
func (e *encodedTexts) average(b blend, tokens int) embedded {
	out := embedded{tensor.New(tensor.F32, 1, tokens, e.width), tensor.New(tensor.F32, 1, e.pooled)}
	for i, c := range b {
		add := func(dst, src []float32) {
			share := float32(c.share)
			for j, v := range src {
				if x := share * v; i == 0 {
					dst[j] = x
				} else {
					dst[j] += x
				}
			}
		}
		chunks, dst := e.of[c.text], out.context.Float32s()
		for at, j := 0, 0; at < len(dst); at, j = at+prompt.Length*e.width, (j+1)%len(chunks) {
			add(dst[at:], chunks[j].context)
		}
		add(out.pooled.Float32s(), chunks[0].pooled)
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
