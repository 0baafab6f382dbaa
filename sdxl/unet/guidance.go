package unet

import "math"

// leastGuidanceDim is the least width of an embedding with two frequencies.
const leastGuidanceDim = 4

// TakesGuidance reports whether the network takes the guidance scale itself (Luo et al. 2023, "Latent Consistency
// Models"), in place of a negative side.
func (u *UNet) TakesGuidance() bool { return u != nil && u.Config.GuidanceDim != nil }

// GuidanceEmbedding returns the embedding of a guidance scale that such a network takes, as diffusers computes it: sines and cosines of
// 1000 (scale - 1), nil of other networks.
func (u *UNet) GuidanceEmbedding(scale float64) []float32 {
	if !u.TakesGuidance() {
		return nil
	}
	e := make([]float32, *u.Config.GuidanceDim)
	half := len(e) / 2
	w, decay := float32(float32(scale-1)*1000), -float32(math.Log(10000))/float32(half-1)
	for i := range half {
		sin, cos := math.Sincos(float64(w * float32(math.Exp(float64(float32(i)*decay)))))
		e[i], e[half+i] = float32(sin), float32(cos)
	}
	return e
}
