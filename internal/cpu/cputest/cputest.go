// Package cputest runs a test on every instruction set that kernels know.
package cputest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/df65613c/easel/internal/cpu"
)

const required = "EASEL_REQUIRE_CPU"

// EachLevel runs f as a subtest for every level known on this architecture.
// Levels that the processor lacks are skipped, or fail if the environment
// variable EASEL_REQUIRE_CPU (such as "avx2,avx512") names them.
func EachLevel(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	must := requiredLevels(t)
	for _, l := range cpu.Known() {
		t.Run(l.String(), func(t *testing.T) {
			if l > cpu.Best() {
				if slices.Contains(must, l) {
					t.Fatalf("%s names %s, and this processor has only %s", required, l, cpu.Best())
				}
				t.Skipf("this processor has only %s", cpu.Best())
			}
			defer cpu.Use(l)()
			f(t)
		})
	}
}

func requiredLevels(t *testing.T) (levels []cpu.Level) {
	t.Helper()
	names := os.Getenv(required)
	if names == "" {
		return nil
	}
	for name := range strings.SplitSeq(names, ",") {
		l, err := cpu.ParseLevel(strings.TrimSpace(name))
		if err != nil {
			t.Fatalf("%s: %v", required, err)
		}
		if !slices.Contains(cpu.Known(), l) {
			t.Fatalf("%s names %s, which this architecture lacks", required, l)
		}
		levels = append(levels, l)
	}
	return levels
}

// EachBF16 runs f as a subtest for every level, and once more with the dot
// products of bfloat16, if the processor has them.
func EachBF16(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	EachLevel(t, func(t *testing.T) {
		if cpu.HasBF16() {
			defer cpu.UseBF16(false)()
		}
		f(t)
	})
	t.Run("dot products", func(t *testing.T) {
		if !cpu.HasBF16() {
			t.Skip("this processor has no dot products of bfloat16")
		}
		defer cpu.Use(cpu.Best())()
		defer cpu.UseBF16(true)()
		f(t)
	})
}
