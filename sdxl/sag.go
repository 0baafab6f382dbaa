package sdxl

import (
	"context"
	"fmt"
	"math"

	"github.com/df65613c/easel/sdxl/unet"
)

// The constants of self-attention guidance, as in diffusers' pipeline.
const (
	muchAttention = 1.0 // more than the mean
	blurReach     = 4   // pixels to each side
	blurDeviation = 1.0
)

// checkSAG returns what is wrong with the scale for a model and latents of h x w.
func checkSAG(scale float64, m *unet.UNet, h, w int) error {
	switch {
	case scale == 0:
		return nil
	case !m.HasMiddleAttention():
		return fmt.Errorf("is %g, want 0 for a model without attention in its middle", scale)
	case min(h, w) <= blurReach:
		return fmt.Errorf("is %g, want 0 for latents of %dx%d, narrower than the blur's %d", scale, w, h, blurReach+1)
	}
	return nil
}

// sagUNet is the UNet for latents whose estimate of x0 is blurred where the
// middle of the network looks most, and noised again (Hong et al. 2023, "Improving
// Sample Quality of Diffusion Models Using Self-Attention Guidance"). Its side is
// the negative one, or the only one.
type sagUNet struct {
	*guideUNet
	h, w        int
	middle      [2]int // height and width there
	x0, blurred []float32
	row         []float32
	kernel      [2*blurReach + 1]float32
	planes      int // of all pictures
}

func newSAG(a *guideUNet, levels, batch, channels, h, w int) *sagUNet {
	d := &sagUNet{guideUNet: a, h: h, w: w, middle: [2]int{h, w}, planes: batch * channels}
	for range levels - 1 {
		d.middle = [2]int{(d.middle[0] + 1) / 2, (d.middle[1] + 1) / 2}
	}
	d.x0, d.blurred, d.row = make([]float32, h*w), make([]float32, h*w), make([]float32, h*w)
	sum := 0.0
	for i := range d.kernel {
		sum += gaussian(i)
	}
	for i := range d.kernel {
		d.kernel[i] = float32(gaussian(i) / sum)
	}
	return d
}

func gaussian(i int) float64 {
	x := float64(i-blurReach) / blurDeviation
	return math.Exp(-x * x / 2)
}

// run sets delta from a side's output. received returns the attention that the
// pixels of a picture get in the middle of the network.
func (d *sagUNet) run(ctx context.Context, x, side []float32, in, skip, out, time float64,
	received func(picture int) []float32) error {
	plane, channels := d.h*d.w, d.planes/len(d.timestep)
	for p := range d.planes {
		from := p * plane
		for i, v := range x[from : from+plane] {
			d.x0[i] = float32(skip)*v + float32(out)*side[from+i]
		}
		d.blur()
		seen := received(p / channels)
		for i, v := range x[from : from+plane] {
			if seen[d.middleOf(i)] > muchAttention {
				v += d.blurred[i] - d.x0[i]
			}
			d.sample[from+i] = float32(in) * v
		}
	}
	return d.guideUNet.run(ctx, d.sample, side, float32(time))
}

// middleOf returns the pixel in the middle of the network that pixel i lies in, as
// torch's nearest interpolation rounds.
func (d *sagUNet) middleOf(i int) int {
	nearest := func(at, from, to int) int { return min(int(float32(at)*(float32(to)/float32(from))), to-1) }
	return nearest(i/d.w, d.h, d.middle[0])*d.middle[1] + nearest(i%d.w, d.w, d.middle[1])
}

// blur sets blurred from x0, mirrored at its borders.
func (d *sagUNet) blur() {
	mirror := func(i, n int) int {
		if i < 0 {
			return -i
		}
		return min(i, 2*(n-1)-i)
	}
	for i := range d.row {
		y, x, sum := i/d.w, i%d.w, float32(0)
		for k, f := range d.kernel {
			sum += f * d.x0[y*d.w+mirror(x+k-blurReach, d.w)]
		}
		d.row[i] = sum
	}
	for i := range d.blurred {
		y, x, sum := i/d.w, i%d.w, float32(0)
		for k, f := range d.kernel {
			sum += f * d.row[mirror(y+k-blurReach, d.h)*d.w+x]
		}
		d.blurred[i] = sum
	}
}
