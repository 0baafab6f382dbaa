package request

import (
	"context"
	"math"

	"github.com/df65613c/easel/internal/ptr"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
)

// Options returns what the request asks of a model, with a seed drawn if it has
// none. Its error is an *Error, or that of ctx, under which the picture to
// start from is decoded.
func (po Options) Options(ctx context.Context, m *sdxl.Model, r *Request) (sdxl.Options, error) {
	if err := m.Require("a picture", sdxl.AllParts); err != nil {
		return sdxl.Options{}, err
	}
	if err := po.Check(r); err != nil {
		return sdxl.Options{}, err
	}
	l := po.Limits.filled()
	o, err := r.options(ctx, l)
	if err != nil {
		return o, err
	}
	for *o.Seed == 0 {
		o.Seed = new(sched.RandomSeed())
	}
	if r.StylePreset != "" {
		if err := po.styles().Apply(&o, r.StylePreset); err != nil {
			return o, err
		}
	}
	if o.Image != nil && o.Width == 0 && o.Height == 0 {
		shrink(&o, m, l.Pixels)
	}
	var e Error
	e.options(o.Check(m))
	w, h := o.SizeFor(m)
	scale := m.VAE.Config.Scale()
	e.want(w >= scale && h >= scale, "init_image", "is %dx%d after rounding down, want %d at least", w, h, scale)
	e.want(w*h <= l.Pixels, "width", "times height is %d pixels, want at most %d", w*h, l.Pixels)
	return o, e.err()
}

// options returns the request as options, but for the style.
func (r *Request) options(ctx context.Context, l Limits) (sdxl.Options, error) {
	o := r.extras()
	o.Width, o.Height, o.Sampler = ptr.Or(r.Width, 0), ptr.Or(r.Height, 0), r.Sampler
	o.Steps, o.CFG, o.Seed = new(ptr.Or(r.Steps, defaultRequestSteps)), new(r.cfgScale()), new(ptr.Or(r.Seed, 0))
	r.prompts(&o)
	if r.InitImage == nil {
		return o, nil
	}
	img, err := decodeImage(ctx, r.InitImage, inputLimits(l.PictureMemory))
	if ctx.Err() != nil {
		return o, ctx.Err()
	}
	if err != nil {
		return o, &Error{[]Violation{{"init_image", err.Error()}}}
	}
	strength, _ := r.strength()
	o.Image, o.Strength, o.SkipEnd = img, &strength, ptr.Or(r.StepScheduleEnd, 0)
	return o, nil
}

// shrink gives a picture that is larger than what may be made the size that the
// model is made for, in the same proportions.
func shrink(o *sdxl.Options, m *sdxl.Model, most int) {
	b := o.Image.Bounds()
	if b.Dx()*b.Dy() <= most {
		return
	}
	scale := m.VAE.Config.Scale()
	native := float64(min(m.UNet.Config.SampleSize*scale, int(math.Sqrt(float64(most)))))
	ratio := math.Sqrt(float64(b.Dx()) / float64(b.Dy()))
	o.Width, o.Height = int(native*ratio)/scale*scale, int(native/ratio)/scale*scale
}

// prompts sets Prompt and Negative, or Prompts where these can't say it.
func (r *Request) prompts(o *sdxl.Options) {
	var positive, negative []string
	for _, p := range r.TextPrompts {
		w := ptr.Or(p.Weight, 1)
		o.Prompts = append(o.Prompts, sdxl.WeightedPrompt{Text: p.Text, Weight: w})
		if w > 0 {
			positive = append(positive, p.Text)
		} else if w < 0 {
			negative = append(negative, p.Text)
		}
	}
	if len(positive) != 1 || len(negative) > 1 {
		return
	}
	o.Prompt, o.Prompts = positive[0], nil
	if len(negative) == 1 {
		o.Negative = &negative[0]
	}
}
