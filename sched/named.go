package sched

import (
	"math"
	"slices"
)

// levels are a model's noise levels at its training timesteps.
type levels struct {
	train  []float64 // from low to high
	logs   []float64
	lo, hi float64 // the range of the schedules
}

// at returns the noise level at a time, by interpolation of logarithms in float32.
func (l *levels) at(time float32) float64 {
	i := min(int(time), len(l.logs)-2)
	w := time - float32(i)
	return float64(exp32(float32((1-w)*float32(l.logs[i])) + float32(w*float32(l.logs[i+1]))))
}

// fromLast returns the noise levels of even times from the last training timestep
// to the first, without those at the end that are too many.
func (l *levels) fromLast(times, steps int) []float64 {
	even, out := make([]float32, times), make([]float64, steps, steps+1)
	linspace32(even, float64(len(l.train)-1), 0)
	for i := range out {
		out[i] = l.at(even[i])
	}
	return append(out, 0)
}

// maker makes the noise levels of a number of steps, from high to low, the last
// included.
type maker func(l *levels, d Dialect, steps int) []float64

// makers are the schedules beside normal and karras that diffusers' samplers
// compute themselves, by the names that k-diffusion, ComfyUI and the web UI have.
var makers = []struct {
	name string
	make maker
}{
	{"exponential", exponential},
	{"polyexponential", exponential}, // with rho 1, which it has where nobody says else
	{"simple", simple},
	{"sgm_uniform", sgmUniform},
	{"ddim_uniform", ddimUniform},
	{"beta", beta},
	{"linear_quadratic", linearQuadratic},
	{"kl_optimal", klOptimal},
	{"align_your_steps", optimised(ays)},
	{"align_your_steps_32", optimised(ays32)},
	{"align_your_steps_gits", optimised(aysGITS)},
	{"lcm", lcm},
	{"turbo", turbo},
}

// ScheduleNames lists the sigma schedules.
func ScheduleNames() []string {
	names := []string{"normal", "karras", "lu"}
	for _, m := range makers {
		names = append(names, m.name)
	}
	return names
}

// makerNamed returns how a schedule is made in a dialect, or nil.
func makerNamed(name string, d Dialect) maker {
	switch {
	case d == Diffusers && (name == "normal" || name == "karras" || name == "exponential" || name == "beta" || name == "lu"):
		return nil // by the classes' own rules
	case name == "normal":
		return normal
	case name == "lu":
		return exponential // even in log sigma, as between the same levels
	case name == "karras":
		return func(l *levels, _ Dialect, steps int) []float64 { return append(karras32(l.lo, l.hi, steps), 0) }
	}
	for _, m := range makers {
		if m.name == name {
			return m.make
		}
	}
	return nil
}

// normal has its times evenly from the last training timestep to the first.
func normal(l *levels, _ Dialect, steps int) []float64 {
	return l.fromLast(steps, steps)
}

// sgmUniform leaves out the last of one time more (Stability's generative-models).
func sgmUniform(l *levels, _ Dialect, steps int) []float64 {
	return l.fromLast(steps+1, steps)
}

// exponential is even in the logarithm.
func exponential(l *levels, _ Dialect, steps int) []float64 {
	out, even := make([]float64, steps, steps+1), make([]float32, steps)
	linspace32(even, math.Log(l.hi), math.Log(l.lo))
	for i, log := range even {
		out[i] = float64(exp32(log))
	}
	return append(out, 0)
}

// karras32 is karras as torch computes it in float32.
func karras32(lo, hi float64, steps int) []float64 {
	const rho = 7
	a, b := math.Pow(hi, 1.0/rho), math.Pow(lo, 1.0/rho)
	out, even := make([]float64, steps), make([]float32, steps)
	linspace32(even, 0, 1)
	for i, v := range even {
		root := float32(float32(a) + float32(v*float32(b-a)))
		out[i] = float64(float32(math.Pow(float64(root), rho)))
	}
	return out
}

func exponentialBetween(lo, hi float64, steps int) []float64 {
	out := make([]float64, steps)
	for i := range out {
		out[i] = math.Exp(linspace(math.Log(hi), math.Log(lo), steps, i))
	}
	return out
}

// simple takes every n-th training timestep, from the last one down.
func simple(l *levels, _ Dialect, steps int) []float64 {
	out := make([]float64, steps, steps+1)
	for i := range out {
		out[i] = l.train[len(l.train)-1-int(float64(i)*float64(len(l.train))/float64(steps))]
	}
	return append(out, 0)
}

// ddimUniform takes every n-th training timestep, from the second
// one up (Song et al. 2020); where the number does not divide theirs there may be
// more steps than asked for.
func ddimUniform(l *levels, _ Dialect, steps int) []float64 {
	out := []float64{0}
	for i := 1; i < len(l.train); i += max(len(l.train)/steps, 1) {
		out = append(out, l.train[i])
	}
	slices.Reverse(out)
	return out
}

// Shape of the beta schedule (Lee et al. 2024, "Beta sampling is all you need").
const betaAlpha, betaBeta = 0.6, 0.6

// beta takes training timesteps at quantiles of the beta distribution, each
// once. The web UI takes quantiles of noise levels.
func beta(l *levels, d Dialect, steps int) []float64 {
	if d == A1111 {
		return append(betaBetween(l.lo, l.hi, steps), 0)
	}
	var out []float64
	last := -1
	for i := range steps {
		t := int(math.RoundToEven(betaQuantile(1-float64(i)/float64(steps), betaAlpha, betaBeta) * float64(len(l.train)-1)))
		if t != last {
			out = append(out, l.train[t])
		}
		last = t
	}
	return append(out, 0)
}

// betaBetween are quantiles between two noise levels, as diffusers has it.
func betaBetween(lo, hi float64, steps int) []float64 {
	out := make([]float64, steps)
	for i := range out {
		out[i] = lo + betaQuantile(1-linspace(0, 1, steps, i), betaAlpha, betaBeta)*(hi-lo)
	}
	return out
}

// linearQuadratic falls linearly by 2.5 % in the first half of the steps, then
// as a parabola (Polyak et al. 2024, "Movie Gen", section 3.4.2).
func linearQuadratic(l *levels, _ Dialect, steps int) []float64 {
	if steps == 1 {
		return []float64{l.hi, 0}
	}
	const threshold = 0.025
	n := float64(steps)
	linear := float64(steps / 2)
	quadratic := n - linear
	diff := linear - threshold*n
	a := diff / (linear * quadratic * quadratic)
	b := threshold/linear - 2*diff/(quadratic*quadratic)
	c := a * linear * linear
	out := make([]float64, steps+1)
	for i := range out {
		x := float64(i)
		fallen := x * threshold / linear
		if x >= linear {
			fallen = a*x*x + b*x + c
		}
		out[i] = (1 - fallen) * l.hi
	}
	out[steps] = 0
	return out
}

// klOptimal is even in the arc tangent (Sabour et al. 2024, "Align your steps",
// theorem 3.1). The web UI ends at the lowest level, the others at 0 after it.
func klOptimal(l *levels, d Dialect, steps int) []float64 {
	n := steps
	if d == A1111 {
		n++
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Tan(linspace(math.Atan(l.hi), math.Atan(l.lo), n, i))
	}
	if d == A1111 {
		return out
	}
	return append(out, 0)
}

// Levels that were optimised for SDXL: of Sabour et al. 2024 for 10 steps and for
// 31, and for 10 by GITS (Chen et al. 2024), all as Forge has them.
var (
	ays   = []float64{14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029}
	ays32 = []float64{
		14.615, 11.1491618, 8.50522127, 6.48827151, 5.43707402, 4.60398619, 3.89854704, 3.27407457, 2.74396527, 2.29968659,
		1.95448514, 1.67108715, 1.42878152,
		1.23181009, 1.06789649, 0.92579443, 0.80290886, 0.69660121, 0.60436903, 0.52852552, 0.46773344, 0.41393379, 0.36258186,
		0.31008517, 0.26518925, 0.22326461,
		0.17653877, 0.13959192, 0.10587381, 0.05519369, 0.02877334, 0.015,
	}
	aysGITS = []float64{14.615, 4.734, 2.567, 1.529, 0.987, 0.652, 0.418, 0.268, 0.179, 0.127, 0.029}
)

// optimised interpolates between levels, in the logarithm: the web UI over all of
// them before a 0, the others with the 0 in place of the last.
func optimised(known []float64) maker {
	return func(_ *levels, d Dialect, steps int) []float64 {
		n := steps + 1
		if d == A1111 {
			n = steps
		}
		out := make([]float64, n, steps+1)
		for i := range out {
			x := linspace(0, float64(len(known)-1), n, i)
			j := min(int(x), len(known)-2)
			w := x - float64(j)
			out[i] = math.Exp((1-w)*math.Log(known[j]) + w*math.Log(known[j+1]))
		}
		if n == steps {
			return append(out, 0)
		}
		out[steps] = 0
		return out
	}
}

// lcmTimes is the number of timesteps that latent consistency models are
// distilled with (Luo et al. 2023).
const lcmTimes = 50

// distilled returns the levels at these timesteps alone, as the web UI samples
// from consistency models.
func (l *levels) distilled() levels {
	times := min(lcmTimes, len(l.train))
	every := len(l.train) / times
	var d levels
	for i := range times {
		t := len(l.train) - 1 - every*(times-1-i)
		d.train, d.logs = append(d.train, l.train[t]), append(d.logs, l.logs[t])
	}
	return d
}

// lcm takes some of these, evenly from the last one down. If more are asked for
// than there are, it takes all of them, and of a model with fewer timesteps
// likewise.
func lcm(l *levels, _ Dialect, steps int) []float64 {
	times := min(lcmTimes, len(l.train))
	n := min(steps, times)
	every := len(l.train) / times
	out := make([]float64, n, n+1)
	for i := range out {
		out[i] = l.train[(times-int(math.Floor(float64(i)*float64(times)/float64(n))))*every-1]
	}
	return append(out, 0)
}

// turboTimes is the number of timesteps of SDXL Turbo (Sauer et al. 2023).
const turboTimes = 10

// turbo takes the first steps of these, from the last timestep down.
func turbo(l *levels, _ Dialect, steps int) []float64 {
	times := min(turboTimes, len(l.train))
	n := min(steps, times)
	out := make([]float64, n, n+1)
	for i := range out {
		out[i] = l.train[(times-i)*len(l.train)/times-1]
	}
	return append(out, 0)
}
