package cpu

import (
	"fmt"
	"slices"

	"github.com/df65613c/easel/internal/cpu"
	"github.com/df65613c/easel/nn"
)

// Precisions lists the names of the precisions that the backend has. In BF16,
// 3x3 convolutions by Winograd's algorithm round the transforms. Auto is BF16
// if the processor has instructions for it, else F32.
func Precisions() []string {
	return []string{string(nn.Auto), string(nn.F32), string(nn.BF16), string(nn.Int8)}
}

// resolve returns F32, BF16 or Int8, or p and an error where the backend has no such precision.
func resolve(p nn.Precision) (nn.Precision, error) {
	switch {
	case p == "", p == nn.Auto && !cpu.BF16():
		return nn.F32, nil
	case p == nn.Auto:
		return nn.BF16, nil
	case slices.Contains(Precisions(), string(p)):
		return p, nil
	}
	return p, fmt.Errorf("cpu: no precision %q; there are %v", p, Precisions())
}

// narrow reports whether operands of products are rounded.
func narrow(p nn.Precision) bool { return p != nn.F32 }
