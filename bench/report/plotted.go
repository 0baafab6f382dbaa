package report

// Point is an operation in a roofline plot.
type Point struct {
	Kind      string
	Intensity float64 // FLOPs for each byte of memory
	GFLOPS    float64
}

// Cost is what a network took for pictures of one size.
type Cost struct {
	Pixels  float64
	Seconds float64
	FLOPs   float64
}

// Line is a line of a plot under its name.
type Line struct {
	Name string
	X, Y []float64
}
