package sdxl

import (
	"fmt"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/tensor"
)

// trace keeps a copy of a tensor under its name if a trace is wanted.
func (r *resolved) trace(name string, t *tensor.Tensor) {
	if r.Trace == nil {
		return
	}
	c := tensor.New(tensor.F32, t.Shape()...)
	copy(c.Float32s(), t.Float32s())
	r.Trace[name] = c
}

func (r *resolved) traceNumbers(name string, v []float64) {
	if r.Trace == nil {
		return
	}
	t := tensor.New(tensor.F32, len(v))
	for i, f := range v {
		t.Float32s()[i] = float32(f)
	}
	r.Trace[name] = t
}

// traceLatents keeps the latents after step i as the reference's callback
// shows them: divided by sqrt(1+sigma^2) where its sampler works in
// variance-preserving space.
func (r *resolved) traceLatents(i int, x *tensor.Tensor, s *sched.Schedule) {
	if r.Trace == nil {
		return
	}
	name := fmt.Sprintf("latents_%03d", i)
	r.trace(name, x)
	if f := float32(s.LatentScale(i)); f != 1 {
		for j, v := range r.Trace[name].Float32s() {
			r.Trace[name].Float32s()[j] = v * f
		}
	}
}

// traceTexts keeps what the last side, and with guidance the negative one, is told.
func (r *resolved) traceTexts(context, pooled *tensor.Tensor, guided bool) {
	last := context.Shape()[0] - 1
	r.trace("prompt_embeds", repeatSides(row(context, last), r.batch))
	r.trace("pooled", repeatSides(row(pooled, last), r.batch))
	if guided {
		r.trace("negative_prompt_embeds", repeatSides(row(context, 0), r.batch))
		r.trace("negative_pooled", repeatSides(row(pooled, 0), r.batch))
	}
}
