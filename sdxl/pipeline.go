package sdxl

import (
	"cmp"
	"context"
	"errors"
	"image"

	"github.com/df65613c/easel/internal/program"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/tensor"
)

// Pipeline makes pictures from texts with a model. Its methods may be called
// from several goroutines; the calls share the backend's threads.
type Pipeline struct {
	model       *Model
	base        nn.Backend
	memory      int64
	networks    program.Pool[networkKey, *program.Program]
	unets       program.Pool[string, *unetProgram]
	library     *adapt.Library
	sets        adapterSets
	words       *adapt.Words
	allowUnused bool
}

// PipelineOptions adjust a Pipeline. The zero value works.
type PipelineOptions struct {
	// Memory is how many bytes a call may allocate, more or less; 0 is no limit.
	// Weights do not count, since they stay in their files. With little memory
	// the sides of guidance run one after the other, and what still does not fit
	// lies in a nameless temporary file. The pictures are the same.
	Memory int64
	// Keep is how many bytes of compiled networks may stay for the next call of the
	// same shape; 0 is 256 MiB, and below 0 none do. With a limit of Memory none do.
	Keep int64
	// Adapters is where Options.Adapters are found; nil is nowhere. The pipeline must be closed before it is.
	Adapters *adapt.Library
	// Embeddings is where textual inversions for words of prompts are found; nil
	// is nowhere.
	Embeddings *adapt.Words
	// AllowUnused uses adapters although some of their tensors fit nothing.
	AllowUnused bool
}

// defaultKeep has room for the networks of small pictures, whose set-up takes a
// noticeable part of their time, and not for those of large ones.
const defaultKeep = 256 << 20

// NewPipeline returns a pipeline that uses the model and the backend, which stay
// the caller's to close after it.
func NewPipeline(m *Model, b nn.Backend, o PipelineOptions) *Pipeline {
	p := &Pipeline{model: m, base: b, memory: max(0, o.Memory), library: o.Adapters, allowUnused: o.AllowUnused, words: o.Embeddings}
	if p.memory == 0 {
		p.networks.Limit = max(0, cmp.Or(o.Keep, defaultKeep)/2)
		p.unets.Limit = p.networks.Limit
	}
	return p
}

// Model returns the model.
func (p *Pipeline) Model() *Model { return p.model }

// Backend returns the backend.
func (p *Pipeline) Backend() nn.Backend { return p.base }

// Memory returns the limit of memory, 0 for none.
func (p *Pipeline) Memory() int64 { return p.memory }

// Close frees the compiled networks. No call may be under way, and none may follow.
func (p *Pipeline) Close() error { return errors.Join(p.networks.Close(), p.unets.Close()) }

// Progress tells how far a picture is.
type Progress struct {
	Step, Steps int
	Sigma       float64        // noise level after the step
	Latents     *tensor.Tensor // [B,4,h,w], x0 + sigma noise; valid during the call
	Denoised    *tensor.Tensor // [B,4,h,w], the current estimate of x0; valid during the call
	// Preview decodes Denoised.
	Preview func(context.Context) ([]*image.NRGBA, error)
}

// Result is the pictures of one call and what makes them again.
type Result struct {
	Images []*image.NRGBA
	// Parameters are the options with all defaults filled in.
	Parameters Options
}

// Generate makes pictures. It is deterministic: the same options and seed give
// the same bytes at any number of threads.
func (p *Pipeline) Generate(ctx context.Context, o Options) (*Result, error) {
	if err := p.model.Require("a picture", AllParts); err != nil {
		return nil, err
	}
	c, err := p.Encode(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := c.checkSampler(c.schedule); err != nil {
		return nil, err
	}
	noise := c.noise(false, c.schedule.Motion())
	x, err := p.start(ctx, c, noise)
	if err != nil {
		return nil, optionFault(err)
	}
	if err := p.sample(ctx, c, x, noise); err != nil {
		return nil, err
	}
	if c.kept != nil {
		if x, err = x.Narrow(0, *c.kept, *c.kept+1); err != nil {
			return nil, err
		}
	}
	c.trace("latents", x)
	decoded, err := p.decode(ctx, x, 0)
	if err != nil {
		return nil, err
	}
	c.trace("image", decoded)
	return &Result{Images: toImages(decoded, c.schedule.Dialect), Parameters: c.made(c.schedule)}, nil
}

// schedule returns the noise levels of the run, for a picture to start from those of its strength.
func (r *resolved) schedule(c *sched.Config) (*sched.Schedule, error) {
	o := sched.Overrides{Sampler: r.Sampler, Schedule: r.Schedule, Spacing: r.Spacing, Sigmas: r.Sigmas,
		Dialect: r.Dialect, Custom: r.Custom}
	if r.Image != nil {
		return c.NewTail(o, r.steps, r.strength)
	}
	return c.New(o, r.steps)
}
