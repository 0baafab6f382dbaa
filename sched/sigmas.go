package sched

import (
	"math"
	"slices"
)

// trainSigmas returns the sigma of every training timestep, in float32 as the reference computes them.
func (c *Config) trainSigmas() []float64 {
	alphas := c.alphasCumprod()
	sigmas := make([]float64, len(alphas))
	for i, ac := range alphas {
		sigmas[i] = float64(float32(math.Sqrt(float64((1 - ac) / ac))))
	}
	return sigmas
}

// alphasCumprod returns the share of x0 in the variance at every training timestep.
func (c *Config) alphasCumprod() []float32 {
	n := c.TrainTimesteps
	start, end := c.BetaStart, c.BetaEnd
	if c.BetaSchedule == "scaled_linear" {
		start, end = math.Sqrt(start), math.Sqrt(end)
	}
	betas := make([]float32, n)
	a, b := float32(start), float32(end)
	step := (b - a) / float32(n-1)
	for i := range betas {
		// torch.linspace works from both ends, with fused multiply-adds.
		v := fma32(step, float32(i), a)
		if i >= n/2 {
			v = fma32(-step, float32(n-1-i), b)
		}
		if c.BetaSchedule == "scaled_linear" {
			v *= v
		}
		betas[i] = v
	}
	for i, beta := range c.TrainedBetas {
		betas[i] = float32(beta)
	}
	if c.RescaleBetasZeroSNR {
		rescaleZeroSNR(betas)
	}
	alphas, prod := make([]float32, n), 1.0
	for i, beta := range betas {
		prod *= float64(1 - beta)
		alphas[i] = float32(prod)
	}
	if c.RescaleBetasZeroSNR {
		alphas[n-1] = 1.0 / (1 << 24)
	}
	return alphas
}

// rescaleZeroSNR changes betas so that the last step is pure noise (Lin et al. 2023, algorithm 1).
func rescaleZeroSNR(betas []float32) {
	n := len(betas)
	root := make([]float32, n)
	prod := 1.0
	for i, b := range betas {
		prod *= float64(1 - b)
		root[i] = float32(math.Sqrt(float64(float32(prod))))
	}
	first, last := root[0], root[n-1]
	prev := float32(1)
	for i := range root {
		r := (root[i] - last) * (first / (first - last))
		ac := r * r
		alpha := ac
		if i > 0 {
			alpha = ac / prev
		}
		prev = ac
		betas[i] = 1 - alpha
	}
}

// euler returns sigmas and timesteps as EulerDiscreteScheduler computes them.
func (c *Config) euler(train []float64, steps int) (sigmas, times []float64) {
	times = make([]float64, steps)
	switch c.TimestepSpacing {
	case "linspace":
		for i := range times {
			times[i] = float64(float32(linspace(0, float64(c.TrainTimesteps-1), steps, steps-1-i)))
		}
	case "leading":
		for i := range times {
			times[i] = float64((steps-1-i)*(c.TrainTimesteps/steps) + c.StepsOffset)
		}
	case "trailing":
		times = c.trailing(steps)
	}
	sigmas = interpolate(train, times)
	if between := c.between(); between != nil {
		lo, hi := c.bounds(sigmas[len(sigmas)-1], sigmas[0])
		sigmas = between(lo, hi, steps)
		times = sigmaTimes(logs(train), sigmas)
		for i := range times {
			times[i] = float64(float32(times[i]))
		}
	}
	return sigmas, times
}

// trailing returns times from the last training step down, as numpy's arange
// gives them: for some numbers of steps, such as 61 of 1000, its length rounds
// up to one more, at -1.
func (c *Config) trailing(steps int) []float64 {
	n := float64(c.TrainTimesteps)
	ratio := n / float64(steps)
	times := make([]float64, int(math.Ceil(n/ratio)))
	delta := n - ratio - n
	for i := range times {
		times[i] = math.RoundToEven(n+float64(float64(i)*delta)) - 1
	}
	return times
}

// dpmSolver returns sigmas and timesteps as DPMSolverMultistepScheduler computes them.
func (c *Config) dpmSolver(train []float64, steps int) (sigmas, times []float64) {
	if between := c.between(); between != nil {
		lo, hi := c.bounds(train[0], train[len(train)-1])
		sigmas = between(lo, hi, steps)
		times = sigmaTimes(logs(train), sigmas)
		for i := range times {
			if c.UseKarras {
				times[i] = math.RoundToEven(times[i])
			} else {
				times[i] = math.Trunc(times[i]) // which the reference does not round
			}
		}
		return sigmas, times
	}
	times = make([]float64, steps)
	switch c.TimestepSpacing {
	case "linspace":
		for i := range times {
			times[i] = math.RoundToEven(linspace(0, float64(c.TrainTimesteps-1), steps+1, steps-i))
		}
	case "leading":
		for i := range times {
			times[i] = float64((steps-i)*(c.TrainTimesteps/(steps+1)) + c.StepsOffset)
		}
	case "trailing":
		times = c.trailing(steps)
	}
	return interpolate(train, times), times
}

// between returns the schedule that lies between two noise levels, or nil if
// noise levels come from timesteps.
func (c *Config) between() func(lo, hi float64, steps int) []float64 {
	switch {
	case c.UseKarras:
		return karras
	case c.UseExponential:
		return exponentialBetween
	case c.UseBeta:
		return betaBetween
	}
	return nil
}

func (c *Config) bounds(lo, hi float64) (float64, float64) {
	if c.SigmaMin != nil {
		lo = *c.SigmaMin
	}
	if c.SigmaMax != nil {
		hi = *c.SigmaMax
	}
	return lo, hi
}

// linspace returns number i of n from a to b, as numpy computes it.
func linspace(a, b float64, n, i int) float64 {
	if n == 1 || i == 0 {
		return a
	}
	if i == n-1 {
		return b
	}
	return a + float64(i)*((b-a)/float64(n-1))
}

// interpolate looks times up in the training sigmas, linearly between them.
func interpolate(train, times []float64) []float64 {
	out := make([]float64, len(times))
	for i, t := range times {
		t = min(max(t, 0), float64(len(train)-1))
		j := min(int(t), len(train)-2)
		out[i] = train[j] + (t-float64(j))*(train[j+1]-train[j])
	}
	return out
}

// karras is the schedule of Karras et al. 2022, equation 5, with rho 7.
func karras(lo, hi float64, steps int) []float64 { return karrasRho(lo, hi, steps, 7) }

func karrasRho(lo, hi float64, steps int, rho float64) []float64 {
	a, b := math.Pow(hi, 1/rho), math.Pow(lo, 1/rho)
	out := make([]float64, steps)
	for i := range out {
		out[i] = math.Pow(a+linspace(0, 1, steps, i)*(b-a), rho)
	}
	return out
}

// logs returns the logarithms of the training sigmas, which sigmaTimes takes.
func logs(train []float64) []float64 {
	out := make([]float64, len(train))
	for i, s := range train {
		out[i] = float64(log32(float32(s)))
	}
	return out
}

// sigmaTimes returns the training times of sigmas.
func sigmaTimes(logs, sigmas []float64) []float64 {
	out := make([]float64, len(sigmas))
	for i, s := range sigmas {
		out[i] = sigmaTime(logs, s)
	}
	return out
}

// sigmaTime returns the training time of a sigma, by interpolation of logarithms.
func sigmaTime(logs []float64, sigma float64) float64 {
	l := float64(float32(math.Log(max(sigma, 1e-10)))) // as numpy 1 takes a number beside float32
	j, _ := slices.BinarySearch(logs, l)
	if j == len(logs) || logs[j] != l {
		j--
	}
	j = min(max(j, 0), len(logs)-2)
	w := min(max((logs[j]-l)/(logs[j]-logs[j+1]), 0), 1)
	return (1-w)*float64(j) + w*float64(j+1)
}
