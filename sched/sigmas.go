package sched

import "math"

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
	// The last level that is no higher: those of a model trained to noise alone
	// need not rise to the end.
	j := len(logs) - 1
	for j > 0 && logs[j] > l {
		j--
	}
	j = min(j, len(logs)-2)
	w := min(max((logs[j]-l)/(logs[j]-logs[j+1]), 0), 1)
	return (1-w)*float64(j) + w*float64(j+1)
}
