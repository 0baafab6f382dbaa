package sdxl

import (
	"context"
	"errors"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/tensor"
)

// Stage is a network of a request, and what it takes.
type Stage struct {
	Name  string
	Graph *nn.Graph
	Runs  int // of the graph
	Batch int // rows of a run
	// Footprint is the memory while the network runs; Kept is what it computed
	// ahead for all its runs, in bytes.
	Footprint nn.Footprint
	Kept      int64
}

// Plan says what Generate would take for the options, without running anything.
func (p *Pipeline) Plan(ctx context.Context, o Options) ([]Stage, error) {
	m := p.model
	if err := m.Require("a plan", AllParts); err != nil {
		return nil, err
	}
	r, err := p.resolve(o)
	if err != nil {
		return nil, err
	}
	s, err := r.script(m, r.steps)
	if err != nil {
		return nil, err
	}
	sides := s.sides()
	chunks, different, err := s.chunks(m)
	if err != nil {
		return nil, err
	}
	scale := m.VAE.Config.Scale()
	h, w := r.Height/scale, r.Width/scale
	plan := planner{p: p}
	if err := plan.texts(ctx, &r, different); err != nil {
		return nil, err
	}
	if o.Image != nil {
		if err := plan.add(ctx, networkKey{graph: "vae-encoder", batch: 1, h: r.Height, w: r.Width}, 1, 1); err != nil {
			return nil, err
		}
	}
	shape := r.unetShape(r.batch*sides, h, w, chunks*prompt.Length)
	d := &Denoiser{pipe: p, key: shape.key(), Conditions: &Conditions{resolved: r, script: s}, batch: r.batch}
	if err := plan.unets(ctx, d, shape); err != nil {
		return nil, err
	}
	if err := plan.add(ctx, networkKey{graph: "vae-decoder", batch: 1, h: h, w: w}, r.batch, 1); err != nil {
		return nil, err
	}
	return plan.stages, nil
}

// planner collects the stages of a plan.
type planner struct {
	p      *Pipeline
	stages []Stage
}

// add adds a network by its key, with a number of runs and of rows in each.
func (pl *planner) add(ctx context.Context, key networkKey, runs, batch int) error {
	exe, err := pl.p.compile(ctx, key, 0)
	if err != nil {
		return err
	}
	_, g, err := key.record(pl.p.model)
	pl.stages = append(pl.stages, Stage{Name: key.graph, Graph: g, Runs: runs, Batch: batch, Footprint: exe.Footprint()})
	return errors.Join(err, exe.Close())
}

// texts adds the text encoders, for a number of different chunks.
func (pl *planner) texts(ctx context.Context, r *resolved, different int) error {
	for _, e := range []struct {
		name, part string
		*clip.TextEncoder
	}{{"clip-l", textLPart, pl.p.model.TextL}, {"clip-g", textGPart, pl.p.model.TextG}} {
		texts := min(different, chunksAtOnce) + 1 // and the empty one
		key := networkKey{graph: e.name, batch: texts, w: prompt.Length, skip: r.ClipSkip, adapters: r.set.For(e.part)}
		if err := pl.add(ctx, key, (different+chunksAtOnce-1)/chunksAtOnce, texts); err != nil {
			return err
		}
		pl.stages[len(pl.stages)-1].Kept = int64(different*prompt.Length*e.Config.HiddenSize) * int64(tensor.F32.Size())
	}
	return nil
}

// unets adds the UNet, and those for guidance.
func (pl *planner) unets(ctx context.Context, d *Denoiser, shape unetShape) (err error) {
	if d.unet, err = pl.p.takeUNet(ctx, shape, 0); err != nil {
		return err
	}
	if err := d.newGuides(ctx, shape, 0); err != nil {
		return err
	}
	pl.stages = append(pl.stages, d.unet.stages(d.steps)...)
	for _, a := range d.guides() {
		pl.stages = append(pl.stages, a.stage("unet-"+a.name, d.steps))
	}
	return d.Close()
}

// stage says what the program takes for a number of calls.
func (u *unetProgram) stage(name string, calls int) Stage {
	return Stage{
		Name: name, Graph: u.graph, Runs: calls * len(u.parts), Batch: len(u.timestep) / len(u.parts),
		Footprint: u.each.Footprint(), Kept: u.kept(),
	}
}

// stages say what the program takes for a number of steps, at most.
func (u *unetProgram) stages(steps int) []Stage {
	switch {
	case u.shallow == nil:
		return []Stage{u.stage("unet", steps)}
	case u.cache.threshold > 0:
		return []Stage{u.stage("unet", steps), u.shallow.stage("unet-shallow", steps)}
	}
	whole := (steps + u.cache.interval - 1) / u.cache.interval
	return []Stage{u.stage("unet", whole), u.shallow.stage("unet-shallow", steps-whole)}
}
