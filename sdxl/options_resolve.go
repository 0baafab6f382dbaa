package sdxl

import (
	"github.com/df65613c/easel/internal/ptr"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/sdxl/prompt"
)

// resolved is Options with nothing left open.
type resolved struct {
	Options
	syntax        prompt.Syntax
	cache         unetCache
	set           *adapt.Set // of the adapters; nil is none
	inverted      *inversions
	tagged        []Adapter // that tags of the prompt ask for
	given         Options   // with these tags
	steps, batch  int
	cfg, strength float64
	seed          int64
	streams       []int64 // seeds of the streams of noise: one for all pictures, or one for each
	variation     int64   // the seed of the variation of the first of them
	kept          *int    // the picture of the batch to keep; nil keeps all
	place         place   // of the picture that is made of the streams' batch
	positive      sizes
	negative      sizes
}

// sizes are the conditioning of a side of the batch beside its text.
type sizes struct {
	original, target Size
	crop             Corner
}

// resolve fills in what is open. Its error is FieldErrors, which name every
// fault at once.
func (o Options) resolve(m *Model) (resolved, error) {
	if err := o.Check(m); err != nil {
		return resolved{}, err
	}
	r := resolved{Options: o, steps: o.steps(), strength: ptr.Or(o.Strength, DefaultStrength), batch: o.batch(), cfg: o.cfg()}
	var err error
	if r.syntax, err = prompt.Named(o.PromptSyntax); err != nil {
		return r, err
	}
	if err := r.takeTags(); err != nil {
		return r, err
	}
	if r.cache, err = parseCache(o.Cache); err != nil {
		return r, err
	}
	r.Width, r.Height = o.SizeFor(m)
	size := Size{r.Width, r.Height}
	r.positive = sizes{ptr.Or(o.OriginalSize, size), ptr.Or(o.TargetSize, size), o.Crop}
	r.negative = sizes{ptr.Or(o.NegativeOriginalSize, r.positive.original), ptr.Or(o.NegativeTargetSize, r.positive.target),
		ptr.Or(o.NegativeCrop, o.Crop)}
	switch {
	case len(o.Seeds) > 0:
		r.seed = o.Seeds[0]
	case o.Seed != nil:
		r.seed = *o.Seed
	default:
		r.seed = sched.RandomSeed()
	}
	r.seedPictures()
	r.streams, r.variation = r.Seeds, ptr.Or(r.Variation, Variation{}).Seed
	if r.streams == nil {
		r.streams = []int64{r.seed}
	}
	return r, nil
}

// pick leaves out what the one picture that is asked for does not need: all
// other pictures, or nothing where each depends on all.
func (r *resolved) pick(s *sched.Schedule) {
	if r.Index == nil || r.batch == 1 {
		return
	}
	i := *r.Index
	if s.Sampler.Name == "dpm_adaptive" || r.cache.dependsOnBatch() {
		r.kept = &i
		return
	}
	if len(r.streams) > 1 {
		r.streams, r.variation = r.streams[i:i+1], r.variation+int64(i)
	} else {
		r.place = place{index: i, of: r.batch}
	}
	r.batch = 1
}

// Of returns the options of picture i of a batch, as its file holds them: with
// its own seed, and its place.
func (o Options) Of(i int) Options {
	if o.Index != nil || o.batch() < 2 {
		return o
	}
	o.Index = &i
	if o.Seeds != nil {
		o.Seed = &o.Seeds[i]
	}
	return o
}

func (o *Options) steps() int {
	if o.Sigmas != nil {
		return len(o.Sigmas) - 1
	}
	return ptr.Or(o.Steps, DefaultSteps)
}

func (o *Options) batch() int {
	if o.Seeds != nil {
		return len(o.Seeds)
	}
	return ptr.Or(o.Batch, 1)
}

func (o *Options) cfg() float64 { return ptr.Or(o.CFG, o.Guidance.DefaultScale(DefaultCFG)) }

// SizeFor returns the width and height of the pictures, filled in from the picture to start from
// or from the model.
func (o *Options) SizeFor(m *Model) (w, h int) {
	scale := m.VAE.Config.Scale()
	native := m.UNet.Config.SampleSize * scale
	w, h = native, native
	if o.Image != nil {
		b := o.Image.Bounds()
		w, h = b.Dx()/scale*scale, b.Dy()/scale*scale
	}
	if o.Width != 0 {
		w = o.Width
	}
	if o.Height != 0 {
		h = o.Height
	}
	return w, h
}

// made returns the options with all that was open filled in, for a run over the
// schedule: with these and the same pictures and noise, the run is the same.
func (r *resolved) made(s *sched.Schedule) Options {
	o := r.Options
	o.Prompt, o.Prompt2, o.Prompts = r.given.Prompt, r.given.Prompt2, r.given.Prompts
	o.Steps, o.CFG, o.Seed, o.Batch = &r.steps, &r.cfg, &r.seed, new(r.Options.batch())
	o.Sampler, o.Schedule, o.Spacing = s.Sampler.Name, s.Name, s.Spacing
	o.OriginalSize, o.TargetSize = &r.positive.original, &r.positive.target
	if o.Seeds != nil {
		o.Seed, o.Batch = nil, nil
		if r.Index != nil {
			o.Seed = &o.Seeds[*r.Index]
		}
	}
	if r.Sigmas != nil {
		o.Schedule, o.Steps = "", nil
	}
	if s.Dialect == sched.Diffusers {
		o.Dialect = ""
	}
	if r.Noise == Noises()[0] {
		o.Noise = ""
	}
	if r.NoiseFrom != nil {
		o.Noise = storedNoise
	}
	if r.syntax == prompt.Plain {
		o.PromptSyntax = ""
	}
	if r.Image != nil {
		o.Strength = &r.strength
	}
	o.NoiseFrom, o.OnNoise, o.Custom, o.Image, o.Progress, o.Trace, o.MostCalls = nil, nil, nil, nil, nil, nil, 0
	return o
}
