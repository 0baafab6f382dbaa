package sched

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Dialect says whose meaning the names have where implementations differ: of
// schedules, of the model's time at a noise level, and of the first noise.
type Dialect string

// The dialects. The zero value is Diffusers.
const (
	Diffusers  Dialect = "diffusers"
	A1111      Dialect = "a1111"       // AUTOMATIC1111's web UI
	Comfy      Dialect = "comfy"       // ComfyUI
	KDiffusion Dialect = "k-diffusion" // Crowson's library, on which the two are built
)

// DialectNames lists the dialects.
func DialectNames() []string {
	return []string{string(Diffusers), string(A1111), string(Comfy), string(KDiffusion)}
}

func dialectNamed(name string) (Dialect, error) {
	if name == "" {
		return Diffusers, nil
	}
	if !slices.Contains(DialectNames(), name) {
		return "", fmt.Errorf("sched: no dialect %q; there are %s", name, strings.Join(DialectNames(), ", "))
	}
	return Dialect(name), nil
}

// dropsPenultimate reports whether a dialect computes a schedule of one step
// more for a sampler and leaves out the last noise level before the end.
func (d Dialect) dropsPenultimate(sampler string) bool {
	switch d {
	case A1111:
		return slices.Contains([]string{"dpm_2", "dpm_2_a", "dpmpp_3m_sde"}, sampler)
	case Comfy:
		return slices.Contains([]string{"dpm_2", "dpm_2_a", "uni_pc", "uni_pc_bh2"}, sampler)
	}
	return false
}

// comfyUniPCEnd is where UniPC ends in ComfyUI, which cannot end at 0.
const comfyUniPCEnd = 0.001

// lowersUniPC reports whether a sampler is UniPC of a program in which its order
// always falls towards the end.
func (d Dialect) lowersUniPC(sampler string) bool {
	return (d == A1111 || d == Comfy) && (sampler == "uni_pc" || sampler == "uni_pc_bh2")
}

// time returns the time given to the model at a noise level: the nearest of the
// training timesteps in comfy, what lies between them in the others.
func (d Dialect) time(logs []float64, sigma float64) float64 {
	if d != Comfy {
		return sigmaTime(logs, sigma)
	}
	l, best, nearest := float32(math.Log(max(sigma, 1e-10))), 0, float32(math.MaxFloat32)
	for i, log := range logs {
		// In float32, as in ComfyUI; of two that are equally near it is the lower one.
		if d := max(float32(log)-l, l-float32(log)); d < nearest {
			best, nearest = i, d
		}
	}
	return float64(best)
}

// firstScale returns what the first noise is multiplied by, of a model whose
// highest level is given. sqrt(1 + sigma^2) is the deviation of x0 + sigma noise
// for an x0 of deviation 1; comfy has it from the highest level alone.
func (d Dialect) firstScale(sigma, highest float64) float64 {
	if d == Diffusers || d == Comfy && sigma >= highest*(1-1e-5) {
		return math.Sqrt(1 + sigma*sigma)
	}
	return sigma
}
