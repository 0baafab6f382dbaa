// Package cpu tells which instruction sets the kernels may use.
//
// The processor is asked once. The environment variable EASEL_CPU (generic,
// avx2, avx512, avx512bf16, neon or neonbf16) lowers the level that kernels use.
package cpu

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
)

// Level is a set of instructions that kernels are written for. A higher level
// contains the lower ones.
type Level uint8

const (
	Generic Level = iota // plain Go
	AVX2                 // AVX2, FMA and F16C
	AVX512               // AVX-512 F, BW, DQ and VL
	NEON                 // of arm64, which knows none but this and Generic
)

var names = [...]string{Generic: "generic", AVX2: "avx2", AVX512: "avx512", NEON: "neon"}

func (l Level) String() string {
	if int(l) < len(names) {
		return names[l]
	}
	return fmt.Sprintf("Level(%d)", uint8(l))
}

// ParseLevel returns the level with the given name.
func ParseLevel(name string) (Level, error) {
	for l, n := range names {
		if n == name {
			return Level(l), nil
		}
	}
	return Generic, fmt.Errorf("cpu: unknown level %q; the levels are %v", name, names)
}

const variable = "EASEL_CPU"

var (
	best    = detect()
	current atomic.Uint32
	fault   error
)

func init() {
	l, bf16 := best, HasBF16()
	if name, ok := os.LookupEnv(variable); ok {
		l, bf16, fault = lower(name)
	}
	current.Store(uint32(l))
	useBF16.Store(bf16)
}

func lower(name string) (l Level, bf16 bool, err error) {
	if known, found := strings.CutSuffix(name, suffixBF16); found && known == best.String() && HasBF16() {
		return best, true, nil
	} else if found {
		return best, HasBF16(), fmt.Errorf("%s: this processor has %s, not %s", variable, best, name)
	}
	l, err = ParseLevel(name)
	if err != nil {
		return best, HasBF16(), fmt.Errorf("%s: %w", variable, err)
	}
	if !has(l) {
		return best, HasBF16(), fmt.Errorf("%s: this processor has %s, not %s", variable, best, l)
	}
	return l, false, nil
}

// has reports whether this processor has a level.
func has(l Level) bool { return l <= best && slices.Contains(Known(), l) }

// Check returns what is wrong with EASEL_CPU, if anything. The best level is
// in use then.
func Check() error { return fault }

// Best returns the highest level of this processor.
func Best() Level { return best }

// Current returns the level that newly made plans use.
func Current() Level { return Level(current.Load()) }

// Use sets the level of plans made from now on and returns a function that
// puts the former one back. It panics if the processor lacks l.
func Use(l Level) (restore func()) {
	if !has(l) {
		panic(fmt.Sprintf("cpu: this processor has %s, not %s", best, l))
	}
	former := current.Swap(uint32(l))
	return func() { current.Store(former) }
}
