package nn

import (
	"fmt"
	"slices"
)

// Precision is the arithmetic of products: linear layers, convolutions,
// attention. Sums, norms and activations are in float32 in any case. Each backend
// has some of the precisions, and refuses the others when it compiles.
type Precision string

const (
	// F32 gives the numbers of the reference. It is what "" means on the CPU.
	F32 Precision = "f32"
	// F16 rounds the operands of products to IEEE half precision.
	F16 Precision = "f16"
	// BF16 rounds the operands of products to bfloat16.
	BF16 Precision = "bf16"
	// Int8 is BF16 or F16 with the linear layers over tokens in 8-bit integers:
	// each row of activations and of weights is scaled by its largest element
	// (W8A8).
	Int8 Precision = "int8"
	// Auto is the precision that the device is fast at.
	Auto Precision = "auto"
)

// Precisions lists all precisions by name.
func Precisions() []string {
	return []string{string(Auto), string(F32), string(F16), string(BF16), string(Int8)}
}

// ParsePrecision returns the precision with the given name.
func ParsePrecision(name string) (Precision, error) {
	if slices.Contains(Precisions(), name) {
		return Precision(name), nil
	}
	return F32, fmt.Errorf("no precision %q; there are %v", name, Precisions())
}
