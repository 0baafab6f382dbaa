package resample

import (
	"fmt"
	"math"
)

// Filter weighs pixels by their distance, which is in pixels of the smaller
// picture.
type Filter struct {
	support float64 // the distance from which on the weight is 0
	at      func(x float64) float64
}

// The filters of Pillow.
var (
	Box      = Filter{0.5, box}
	Bilinear = Filter{1, bilinear}
	Hamming  = Filter{1, hamming}
	Bicubic  = Filter{2, bicubic}
	Lanczos  = Filter{3, func(x float64) float64 { return lanczos(x, 3) }}
)

// ByNumber returns the filter that Pillow has under a number, as
// preprocessor_config.json names it.
func ByNumber(n int) (Filter, error) {
	switch n {
	case 1:
		return Lanczos, nil
	case 2:
		return Bilinear, nil
	case 3:
		return Bicubic, nil
	case 4:
		return Box, nil
	case 5:
		return Hamming, nil
	}
	return Filter{}, fmt.Errorf("is %d, want 1 (Lanczos), 2 (bilinear), 3 (bicubic), 4 (box) or 5 (Hamming)", n)
}

func box(x float64) float64 {
	if x > -0.5 && x <= 0.5 {
		return 1
	}
	return 0
}

func bilinear(x float64) float64 { return max(0, 1-math.Abs(x)) }

func hamming(x float64) float64 {
	if math.Abs(x) >= 1 {
		return 0
	}
	return sinc(x) * (0.54 + 0.46*math.Cos(math.Pi*x))
}

// bicubic is Keys' kernel (1981) with a = -0.5.
func bicubic(x float64) float64 {
	const a = -0.5
	switch x = math.Abs(x); {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}

// lanczos is the sinc function, windowed by its own central lobe (Duchon 1979).
func lanczos(x float64, lobes float64) float64 {
	if x < -lobes || x >= lobes {
		return 0
	}
	return sinc(x) * sinc(x/lobes)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}
