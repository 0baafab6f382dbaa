package cpu

import (
	"fmt"

	"github.com/df65613c/easel/internal/cpu"
)

// Precision is the arithmetic of products: linear layers, convolutions,
// attention. Sums, norms and activations are in float32 in any case.
type Precision string

const (
	// F32 gives the numbers of the reference. It is what "" means.
	F32 Precision = "f32"
	// BF16 rounds the operands of products to bfloat16 and adds up in float32;
	// in convolutions of 3x3 by Winograd's algorithm these are transforms.
	BF16 Precision = "bf16"
	// Int8 is BF16 with the linear layers over tokens in 8-bit integers: rows of
	// activations and of weights by the greatest of each (W8A8).
	Int8 Precision = "int8"
	// Auto is BF16 where the processor has instructions for it, else F32.
	Auto Precision = "auto"
)

// Precisions lists the precisions by name.
func Precisions() []string { return []string{string(Auto), string(F32), string(BF16), string(Int8)} }

// ParsePrecision returns the precision with the given name.
func ParsePrecision(name string) (Precision, error) {
	switch p := Precision(name); p {
	case F32, BF16, Int8, Auto:
		return p, nil
	}
	return F32, fmt.Errorf("no precision %q; there are %v", name, Precisions())
}

// resolve returns F32, BF16 or Int8, or p and an error where there is no such precision.
func (p Precision) resolve() (Precision, error) {
	switch {
	case p == "", p == Auto && !cpu.BF16():
		return F32, nil
	case p == Auto:
		return BF16, nil
	}
	_, err := ParsePrecision(string(p))
	if err != nil {
		err = fmt.Errorf("cpu: %w", err)
	}
	return p, err
}

// narrow reports whether operands of products are rounded.
func (p Precision) narrow() bool { return p != F32 }
