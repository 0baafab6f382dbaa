package sdxl

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sched/guidance"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// What Options means where it is silent.
const (
	DefaultSteps    = 30
	DefaultCFG      = 5.0
	DefaultStrength = 0.3
)

// Limits that keep a slip of the finger from asking for all memory there is.
const (
	maxSide  = 16384
	maxSteps = 1000
	maxBatch = 256
)

// Size is a width and a height in pixels.
type Size struct{ Width, Height int }

// Options says what picture to make. The zero value with a Prompt works.
type Options struct {
	Prompt string
	// Negative is what not to draw. nil is no negative prompt, for which most
	// models take zeros; a pointer to "" is the encoded empty text.
	Negative *string
	// Prompts, if not nil, stand for Prompt and Negative, by weight.
	Prompts []WeightedPrompt
	// Prompt2 and Negative2 are what the second text encoder reads, which also
	// gives the pooled embedding; nil is the same as the first.
	Prompt2, Negative2 *string
	PromptSyntax       string // one of prompt.Syntaxes; "" is plain
	// ClipSkip is how many layers before the usual one the texts' hidden states
	// are taken from, as in diffusers, whose syntax skips for the prompt alone.
	ClipSkip int

	Width, Height int      // multiples of 8; 0 is the model's size, or the picture's for image-to-image
	Steps         *int     // nil is DefaultSteps
	CFG           *float64 // guidance scale; nil is DefaultCFG, or 0.6 for cfg++; 1 or less is none
	Seed          *int64   // of the noise; nil draws one
	Batch         *int     // pictures drawn from one stream of noise, in a1111's dialect from streams of the seeds from Seed on; nil is 1
	Seeds         []int64  // in place of Seed and Batch: a stream of noise for each picture
	Noise         string   // one of Noises; "" is torch
	// NoiseFrom draws all noise, if it is not nil, in place of a seed's generator; OnNoise
	// is called with every draw of noise.
	NoiseFrom sched.Noise
	OnNoise   func(draw []float32)
	Variation *Variation

	Guidance guidance.Settings // how the two sides become one; the zero value is plain CFG

	Sampler string // one of Samplers or SamplerAliases; "" is the model's
	// Custom is a sampler of one's own, in place of Sampler.
	Custom   *sched.Sampler
	Schedule string // one of Schedules; "" is the model's
	Spacing  string // leading, linspace or trailing; "" is the model's
	// Sigmas stand for Schedule and Steps: the noise levels themselves, from high
	// to low, the last one included.
	Sigmas  []float64
	Dialect string // one of sched.DialectNames, whose meaning names have; "" is diffusers
	Noising Noising
	PAG     *PAG // nil is none
	// SAG is the scale of self-attention guidance (Hong et al. 2023); 0 is none,
	// 0.75 what its authors take.
	SAG   float64
	FreeU *unet.FreeU // nil is none

	OriginalSize *Size       // size conditioning (SDXL paper, section 2.2); nil is Width x Height
	TargetSize   *Size       // nil is Width x Height
	Crop         image.Point // of the top left corner
	// The same for the negative side; nil is what the positive side has.
	NegativeOriginalSize, NegativeTargetSize *Size
	NegativeCrop                             *image.Point

	// Image is the picture to start from, resized to Width x Height; nil is text-to-image.
	Image    image.Image
	Strength *float64 // how far to leave Image, 0 to 1, by sched.Dialect.TailSteps; nil is DefaultStrength
	// SkipEnd is the share of the steps left out at the end, 0 to 1: the last
	// step that runs goes all the way to a picture without noise.
	SkipEnd float64

	// Cache, if not "", trades fidelity for time: deepcache:INTERVAL runs the
	// whole UNet only every so many of its calls and its outermost layers between;
	// deepcache:INTERVAL:BRANCH so many levels of layers more (Ma et al. 2023).
	// first-block:THRESHOLD runs the first ResNet block, and the rest only where what
	// that adds has changed by this share since.
	Cache string

	// MostCalls bounds how often the UNet is run, counted for each side of guidance;
	// 0 is no limit. A picture that needs more fails before it is begun, but with
	// dpm_adaptive, whose calls depend on the picture, as soon as it is over.
	MostCalls int
	// Progress is called after each step, from the goroutine of Generate.
	Progress func(Progress)
	// Trace, if not nil, takes the tensors of the run: noise, embeddings,
	// sigmas, timesteps, and the latents after each step as the reference shows them.
	Trace map[string]*tensor.Tensor
}

// Noising says how much noise a sampler adds on its way, and of which order it
// is. The zero value is each sampler's own.
type Noising struct {
	Eta     *float64       `json:"eta,omitempty"`     // see sched.Run
	SNoise  *float64       `json:"s_noise,omitempty"` // what added noise is multiplied with; nil is 1
	Churn   *sched.Churn   `json:"churn,omitempty"`   // for euler, heun and dpm_2; nil is none
	Restart *sched.Restart `json:"restart,omitempty"` // for restart; nil is its own
	Order   int            `json:"order,omitempty"`   // the most that a multistep sampler rises to; 0 is its own
}

// tell sets what a run is told.
func (n *Noising) tell(r *sched.Run[float32]) {
	r.Eta, r.SNoise, r.Churn, r.Restart, r.Order = n.Eta, n.SNoise, or(n.Churn, sched.Churn{}), n.Restart, cmp.Or(n.Order, r.Order)
}

// Samplers returns the names of the samplers.
func Samplers() []string { return sched.SamplerNames() }

// SamplerAliases returns the names that Stability's v1 API has for samplers.
func SamplerAliases() []string { return sched.SamplerAliases() }

// Schedules returns the names of the sigma schedules.
func Schedules() []string { return sched.ScheduleNames() }

// resolved is Options with nothing left open.
type resolved struct {
	Options
	syntax        prompt.Syntax
	cache         unetCache
	steps, batch  int
	cfg, strength float64
	seed          int64
	positive      sizes
	negative      sizes
}

// sizes are what a side of the batch is told beside its text.
type sizes struct {
	original, target Size
	crop             image.Point
}

// resolve fills in what is open and names every fault at once.
func (o Options) resolve(m *Model) (resolved, error) {
	r := resolved{Options: o, steps: DefaultSteps, strength: DefaultStrength, batch: 1}
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	errs = append(errs, o.checkPrompts())
	errs = append(errs, o.checkNoise()...)
	errs = append(errs, o.PAG.check(m.UNet), o.FreeU.Check())
	var err error
	r.syntax, err = prompt.Named(o.PromptSyntax)
	errs = append(errs, err)
	deepest := min(m.TextL.Config.Layers, m.TextG.Config.Layers) - 1
	for _, v := range []struct {
		name string
		is   *float64
		most float64
	}{{"eta", o.Noising.Eta, 1}, {"s-noise", o.Noising.SNoise, 10}} {
		want(v.is == nil || *v.is >= 0 && *v.is <= v.most, "%s is %g, want 0 to %g", v.name, or(v.is, 0), v.most)
	}
	want(o.Noising.Order >= 0 && o.Noising.Order <= sched.MaxOrder, "order is %d, want 1 to %d, or 0 for the sampler's own", o.Noising.Order, sched.MaxOrder)
	if err := o.Noising.Restart.Check(); err != nil {
		errs = append(errs, err)
	}
	churn := or(o.Noising.Churn, sched.Churn{})
	for _, v := range []float64{churn.Amount, churn.Min, churn.Max} {
		want(v >= 0 && v <= math.MaxFloat32, "churn is %+v, want numbers of 0 or more", churn)
	}
	want(o.ClipSkip >= 0 && o.ClipSkip <= deepest, "clip-skip is %d, want 0 to %d", o.ClipSkip, deepest)
	r.cache, err = cacheOf(o.Cache, m.UNet)
	errs = append(errs, err)
	scale := m.VAE.Config.Scale()
	r.Width, r.Height = o.size(m)
	want(r.Width > 0 && r.Width <= maxSide && r.Width%scale == 0, "width is %d, want a multiple of %d up to %d", r.Width, scale, maxSide)
	want(r.Height > 0 && r.Height <= maxSide && r.Height%scale == 0, "height is %d, want a multiple of %d up to %d", r.Height, scale, maxSide)
	errs = append(errs, checkSAG(o.SAG, m.UNet, r.Height/scale, r.Width/scale))
	if o.Sigmas != nil {
		r.steps = len(o.Sigmas) - 1
		want(o.Steps == nil || *o.Steps == r.steps, "steps is %d beside %d sigmas, want %d or none", or(o.Steps, 0), len(o.Sigmas), r.steps)
		want(o.Schedule == "", "schedule is %s beside sigmas, want one of them", o.Schedule)
	} else if o.Steps != nil {
		r.steps = *o.Steps
	}
	want(r.steps >= 1 && r.steps <= maxSteps, "steps is %d, want 1 to %d", r.steps, maxSteps)
	r.cfg = o.Guidance.DefaultScale(DefaultCFG)
	if o.CFG != nil {
		r.cfg = *o.CFG
	}
	errs = append(errs, o.Guidance.Validate(r.cfg))
	want(!math.IsNaN(r.cfg) && !math.IsInf(r.cfg, 0), "cfg is %g, want a number", r.cfg)
	if o.Seeds != nil {
		r.batch = max(1, len(o.Seeds))
	} else if o.Batch != nil {
		r.batch = *o.Batch
	}
	want(r.batch >= 1 && r.batch <= maxBatch, "batch is %d, want 1 to %d", r.batch, maxBatch)
	if o.Strength != nil {
		r.strength = *o.Strength
	}
	want(r.strength >= 0 && r.strength <= 1, "strength is %g, want 0 to 1", r.strength)
	want(o.SkipEnd >= 0 && o.SkipEnd < 1, "skip-end is %g, want 0 to less than 1", o.SkipEnd)
	if o.Image != nil {
		run, _ := sched.Dialect(o.Dialect).TailSteps(r.steps, r.strength)
		want(run >= 1, "strength %g of %d steps is less than one step", r.strength, r.steps)
		want(!o.Image.Bounds().Empty(), "image is empty")
	}
	size := Size{r.Width, r.Height}
	r.positive = sizes{or(o.OriginalSize, size), or(o.TargetSize, size), o.Crop}
	r.negative = sizes{or(o.NegativeOriginalSize, r.positive.original), or(o.NegativeTargetSize, r.positive.target), or(o.NegativeCrop, o.Crop)}
	if len(o.Seeds) > 0 {
		r.seed = o.Seeds[0]
	} else if o.Seed != nil {
		r.seed = *o.Seed
	} else {
		r.seed = sched.RandomSeed()
	}
	r.seedPictures()
	return r, errors.Join(errs...)
}

// size returns the width and height, filled in from the picture to start from
// or from the model.
func (o *Options) size(m *Model) (w, h int) {
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

// Parameters are the options that made a picture, as its file holds them.
type Parameters struct {
	Prompt       string           `json:"prompt"`
	Negative     *string          `json:"negative_prompt,omitempty"`
	Prompts      []WeightedPrompt `json:"prompts,omitempty"`
	Prompt2      *string          `json:"prompt_2,omitempty"`
	Negative2    *string          `json:"negative_prompt_2,omitempty"`
	PromptSyntax string           `json:"prompt_syntax,omitempty"` // "" is plain
	ClipSkip     int              `json:"clip_skip,omitempty"`
	Width        int              `json:"width"`
	Height       int              `json:"height"`
	Steps        int              `json:"steps"`
	CFG          float64          `json:"cfg_scale"`
	Seed         int64            `json:"seed"`
	Batch        int              `json:"batch"`
	Seeds        []int64          `json:"seeds,omitempty"`
	Noise        string           `json:"noise,omitempty"` // "" is torch
	Variation    *Variation       `json:"variation,omitempty"`
	Sampler      string           `json:"sampler"`
	Schedule     string           `json:"schedule"`
	Spacing      string           `json:"spacing"`
	Sigmas       []float64        `json:"sigmas,omitempty"`
	Dialect      string           `json:"dialect,omitempty"` // "" is diffusers
	Noising      *Noising         `json:"noising,omitempty"`
	PAG          *PAG             `json:"pag,omitempty"`
	SAG          float64          `json:"sag,omitempty"`
	FreeU        *unet.FreeU      `json:"freeu,omitempty"`
	OriginalSize Size             `json:"original_size"`
	TargetSize   Size             `json:"target_size"`
	Crop         [2]int           `json:"crop"`
	// Of the negative side, where they are not the same.
	NegativeOriginalSize *Size        `json:"negative_original_size,omitempty"`
	NegativeTargetSize   *Size        `json:"negative_target_size,omitempty"`
	NegativeCrop         *image.Point `json:"negative_crop,omitempty"`
	Strength             *float64     `json:"strength,omitempty"`
	SkipEnd              float64      `json:"skip_end,omitempty"`
	Cache                string       `json:"cache,omitempty"`

	Guidance guidance.Settings `json:"guidance,omitzero"`
}
