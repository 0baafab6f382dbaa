package sdxl

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/df65613c/easel/internal/ptr"

	"github.com/df65613c/easel/sched"
)

// Noises returns the names of the generators of noise: torch's on a CPU,
// torch's on a CUDA device, and each of them with a Brownian motion for the
// steps of SDE samplers.
func Noises() []string { return []string{"torch", "philox", "brownian", "brownian-philox"} }

// newNoise returns a generator for a run over the given noise levels. The noise of
// the steps has a generator of its own in ComfyUI, whose first noise is always a
// CPU's, and in AUTOMATIC1111's web UI where ENSD says so.
func (r *resolved) newNoise(seed int64, sigmas []float64) sched.Noise {
	path, brownian := strings.CutPrefix(r.Noise, "brownian")
	generator := func(seed int64) sched.Noise { return sched.NewTorchNoise(seed) }
	philox := strings.HasSuffix(path, "philox")
	if philox {
		generator = func(seed int64) sched.Noise { return sched.NewPhiloxNoise(seed) }
	}
	noise := generator(seed)
	switch {
	case r.Dialect == string(sched.Comfy) && philox:
		noise = &firstThen{sched.NewTorchNoise(seed), noise}
	case r.Dialect == string(sched.Comfy):
		noise = &firstThen{noise, generator(seed + 1)}
	case r.ENSD != 0:
		noise = &firstThen{noise, generator(seed + r.ENSD)}
	}
	if brownian {
		return sched.NewBrownianNoise(noise, generator, seed, sigmas)
	}
	return noise
}

// firstThen draws the first noise from one generator, and then from another.
type firstThen struct{ first, then sched.Noise }

// Normal implements sched.Noise.
func (n *firstThen) Normal(dst []float32) {
	if n.first == nil {
		n.then.Normal(dst)
		return
	}
	n.first.Normal(dst)
	n.first = nil
}

// Variation mixes another seed into the first noise.
type Variation struct {
	Seed     int64   `json:"seed"`
	Strength float64 `json:"strength"` // 0 is the picture's own noise, 1 that of Seed
}

// perPicture draws for each picture of a batch from a generator of its own.
type perPicture []sched.Noise

// Normal implements sched.Noise.
func (n perPicture) Normal(dst []float32) {
	size := len(dst) / len(n)
	for i, g := range n {
		g.Normal(dst[i*size : (i+1)*size])
	}
}

// tapped returns the generators with each one's draws told.
func (n perPicture) tapped(tell func([]float32)) (all perPicture) {
	for _, g := range n {
		all = append(all, tapped(g, tell))
	}
	return all
}

// Between implements sched.StepNoise.
func (n perPicture) Between(dst []float32, from, to float64) {
	size := len(dst) / len(n)
	for i, g := range n {
		sched.Draw(g, dst[i*size:(i+1)*size], from, to)
	}
}

// noise returns the generator of a run over noise levels, or one of a
// variation's seed.
func (r *resolved) noise(variation bool, sigmas []float64) sched.Noise {
	if r.NoiseFrom != nil && !variation {
		return tapped(r.place.from(r.NoiseFrom), r.OnNoise)
	}
	var n perPicture
	for i, seed := range r.streams {
		if variation {
			seed = r.variation + int64(i)
		}
		n = append(n, r.place.from(r.newNoise(seed, sigmas)))
	}
	if variation {
		return n
	}
	if len(n) == 1 {
		return tapped(n[0], r.OnNoise)
	}
	return tapped(n, r.OnNoise)
}

// place is the place of a picture in a batch that has one stream of noise. Its
// noise is the picture's part of what the batch draws. The zero value is all of it.
type place struct {
	sched.Noise
	index, of int
}

// from returns the noise of the place in a stream.
func (p place) from(n sched.Noise) sched.Noise {
	if p.of == 0 {
		return n
	}
	return place{n, p.index, p.of}
}

// Normal implements sched.Noise.
func (p place) Normal(dst []float32) {
	all := make([]float32, p.of*len(dst))
	p.Noise.Normal(all)
	copy(dst, all[p.index*len(dst):])
}

// Between implements sched.StepNoise.
func (p place) Between(dst []float32, from, to float64) {
	all := make([]float32, p.of*len(dst))
	sched.Draw(p.Noise, all, from, to)
	copy(dst, all[p.index*len(dst):])
}

// forEncoder returns the noise for samples of the encoded picture to start from:
// a stream for each picture, or one that all share.
func forEncoder(noise sched.Noise) perPicture {
	var tell func([]float32)
	inner := noise
	if t, ok := noise.(tap); ok {
		inner, tell = t.Noise, t.tell
	}
	switch n := inner.(type) {
	case perPicture:
		return n.tapped(tell)
	case place:
		return perPicture{tapped(n.Noise, tell)}
	}
	return perPicture{noise}
}

// seedPictures gives the pictures of a batch seeds of their own where the dialect
// has it so: the seeds that follow, or one and the same with a variation's that follow.
func (r *resolved) seedPictures() {
	if r.Dialect != string(sched.A1111) || r.Seeds != nil || r.batch < 2 || r.NoiseFrom != nil {
		return
	}
	for i := range int64(r.batch) {
		if r.Variation != nil && r.Variation.Strength != 0 {
			i = 0
		}
		r.Seeds = append(r.Seeds, r.seed+i)
	}
}

// storedNoise is the name of noise that no seed makes.
const storedNoise = "stored"

// noiseFault returns what is wrong with noise that was given.
func (r *resolved) noiseFault() error {
	if f, ok := r.NoiseFrom.(interface{ Err() error }); ok {
		return f.Err()
	}
	return nil
}

// tap is a source that reports its draws.
type tap struct {
	sched.Noise
	tell func(draw []float32)
}

func tapped(n sched.Noise, tell func(draw []float32)) sched.Noise {
	if tell == nil {
		return n
	}
	return tap{n, tell}
}

// Normal implements sched.Noise.
func (t tap) Normal(dst []float32) {
	t.Noise.Normal(dst)
	t.tell(dst)
}

// Between implements sched.StepNoise.
func (t tap) Between(dst []float32, from, to float64) {
	sched.Draw(t.Noise, dst, from, to)
	t.tell(dst)
}

// replayedNoise keeps what a source draws, so that several runs draw the same.
type replayedNoise struct {
	from  sched.Noise
	draws [][]float32
}

// again returns a source that draws from the first draw on.
func (r *replayedNoise) again() sched.Noise { return &replay{r, 0} }

type replay struct {
	*replayedNoise
	at int
}

// Normal implements sched.Noise.
func (r *replay) Normal(dst []float32) { r.draw(dst, r.from.Normal) }

// Between implements sched.StepNoise.
func (r *replay) Between(dst []float32, from, to float64) {
	r.draw(dst, func(dst []float32) { sched.Draw(r.from, dst, from, to) })
}

func (r *replay) draw(dst []float32, draw func([]float32)) {
	if r.at == len(r.draws) || len(r.draws[r.at]) != len(dst) {
		draw(dst)
		r.draws = append(r.draws[:r.at], slices.Clone(dst))
	}
	copy(dst, r.draws[r.at])
	r.at++
}

// vary mixes the variation's noise into that of pictures of c planes of h rows of w.
func (r *resolved) vary(noise []float32, c, h, w int) {
	if r.Variation == nil || r.Variation.Strength == 0 {
		return
	}
	other := make([]float32, len(noise))
	r.noise(true, nil).Normal(other)
	for i := 0; i < len(noise); i += c * h * w {
		slerp(noise[i:i+c*h*w], other[i:i+c*h*w], c, h, w, r.Variation.Strength)
	}
}

// slerp turns a towards b by a share of the angle between them, column by column
// of each plane [h,w], as AUTOMATIC1111's web UI does; where they hardly differ it
// goes straight.
func slerp(a, b []float32, c, h, w int, share float64) {
	columns := make([]float64, c*w)
	mean := 0.0
	for k := range columns {
		at := k/w*h*w + k%w
		var aa, bb, ab float64
		for y := range h {
			x, z := float64(a[at+y*w]), float64(b[at+y*w])
			aa, bb, ab = aa+x*x, bb+z*z, ab+x*z
		}
		columns[k] = 1 // where there is no direction, or only one row of it
		if aa*bb > 0 {
			columns[k] = min(max(ab/math.Sqrt(aa*bb), -1), 1)
		}
		mean += columns[k] / float64(len(columns))
	}
	for k, cos := range columns {
		fa, fb := 1-share, share
		angle := math.Acos(cos)
		if sin := math.Sin(angle); mean <= 0.9995 && sin > 1e-6 { // of parallel columns there is no angle to go by
			fa, fb = math.Sin((1-share)*angle)/sin, math.Sin(share*angle)/sin
		}
		for y := range h {
			i := k/w*h*w + k%w + y*w
			a[i] = float32(fa*float64(a[i]) + fb*float64(b[i]))
		}
	}
}

// checkNoise checks the seeds and the noise.
func (o *Options) checkNoise(e *FieldErrors) {
	e.want(o.Noise != storedNoise || o.NoiseFrom != nil, "noise", "was stored in a file, which has to be given again")
	e.want(o.Noise == "" || o.Noise == storedNoise || slices.Contains(Noises(), o.Noise), "noise", "is %.40q, want one of %s",
		o.Noise, strings.Join(Noises(), ", "))
	if o.Seeds != nil {
		e.want(len(o.Seeds) > 0 && len(o.Seeds) <= maxBatch, "seeds", "are %d, want 1 to %d", len(o.Seeds), maxBatch)
		e.want(o.Batch == nil || *o.Batch == len(o.Seeds), "batch", "is %d beside %d seeds, want as many or none",
			ptr.Or(o.Batch, 0), len(o.Seeds))
		own := o.Index != nil && *o.Index >= 0 && *o.Index < len(o.Seeds) && ptr.Or(o.Seed, 0) == o.Seeds[*o.Index]
		e.want(o.Seed == nil || own, "seed", "is given beside seeds, want one of them")
	} else {
		batch := o.batch()
		e.want(batch >= 1 && batch <= maxBatch, "batch", "is %d, want 1 to %d", batch, maxBatch)
	}
	if i := ptr.Or(o.Index, 0); i < 0 || i >= max(o.batch(), 1) {
		e.add("index", "is %d, want 0 to %d, a place in the batch", i, max(o.batch(), 1)-1)
	}
	e.want(o.ENSD == 0 || o.Dialect == string(sched.A1111), "ensd", "is %d beside the dialect %q, want 0: only a1111 has it",
		o.ENSD, cmp.Or(o.Dialect, string(sched.Diffusers)))
	if v := o.Variation; v != nil {
		e.want(v.Strength >= 0 && v.Strength <= 1, "variation.strength", "is %g, want 0 to 1", v.Strength)
	}
}
