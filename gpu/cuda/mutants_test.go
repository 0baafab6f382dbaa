package cuda_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu/cuda/internal/fake"
	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/internal/run"
)

// mutant is a fault that is put into the PTX.
type mutant struct {
	name, kernel string
	change       func(text string) string
	want         string // part of the error; "" is any
}

// nth replaces the n-th match of an expression; negative n count from the end.
func nth(pattern string, n int, by string) func(string) string {
	re := regexp.MustCompile(pattern)
	return func(text string) string {
		all := re.FindAllStringSubmatchIndex(text, -1)
		if n < 0 {
			n += len(all)
		}
		m := all[n]
		return text[:m[0]] + string(re.ExpandString(nil, by, text, m)) + text[m[1]:]
	}
}

// each replaces all matches.
func each(pattern, by string) func(string) string {
	re := regexp.MustCompile(pattern)
	return func(text string) string { return re.ReplaceAllString(text, by) }
}

const barrier = `bar\.sync\s+0;`

// mutants are faults that tests must find. Those of products run on a case with an odd
// number of rows, columns and steps.
var mutants = []mutant{
	{"no barrier before the first step is read", "matmul", nth(barrier, 0, ""), ""},
	{"no barrier before sums are written", "matmul", nth(barrier, -2, ""), "no barrier"},
	{"no barrier before sums are read", "matmul", nth(barrier, -1, ""), "no barrier"},
	{"no wait at all", "matmul", each(`cp\.async\.wait_group 2;`, ""), "waited for"},
	{"a wait one short", "matmul", each(`cp\.async\.wait_group 2;`, "cp.async.wait_group 3;"), "waited for"},
	{"copies in no group", "matmul", each(`cp\.async\.commit_group;`, ""), "waited for"},
	{"no zeros outside the operand", "matmul", each(`(cp\.async\.cg\.shared\.global \[%r\d+\], \[%rd\d+\], 16), %r\d+;`, "$1, 16;"), ""},
	{"another swizzle where x is read", "matmul", nth(`ldmatrix\.(.*)\[(%r\d+)\]`, 0, "ldmatrix.$1[$2+64]"), ""},
	{"a product left out", "matmul", nth(`mma\.sync[^;]*;`, 3, ""), ""},
	{"a product twice", "matmul", nth(`(mma\.sync[^;]*;)`, 3, "$1 $1"), ""},
	{"no barrier before keys are read", "attention", nth(barrier, 0, ""), ""},
	{"no wait for keys", "attention", each(`cp\.async\.wait_group 0;`, "cp.async.wait_group 1;"), "waited for"},
	{"values not transposed", "attention", each(`\.x4\.trans\.`, ".x4."), ""},
	{"one shuffle left out", "attention", nth(`shfl\.sync\.bfly\.b32\s+(%r\d+)\|%p\d+, (%r\d+), [^;]*;`, 0, "mov.u32 $1, $2;"), ""},
	{"no bound of keys", "attention", each(`0fF149F2CA`, "0f00000000"), ""},
}

// TestMutants holds that the tests of kernels find faults.
func TestMutants(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.kernel+" "+m.name, func(t *testing.T) {
			changed := false
			l := &fake.Library{OnText: func(text string) string {
				if !strings.Contains(text, ".entry "+m.kernel) {
					return text
				}
				after := m.change(text)
				changed = changed || after != text
				return after
			}}
			w := newTwin(t, l)
			err := products[0].run(t, w)
			if m.kernel == "attention" {
				err = attentions[0].run(t, w)
			}
			require.True(t, changed, "the fault is in the text")
			require.ErrorContains(t, err, m.want)
		})
	}
}

// TestScalarMutants are of kernels that Vulkan has too.
func TestScalarMutants(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"no barrier before tiles are read":    nth(barrier, 0, ""),
		"no barrier before tiles are written": nth(barrier, 1, ""),
	} {
		t.Run(name, func(t *testing.T) {
			w := newTwin(t, &fake.Library{Capability: 60, OnText: change})
			require.ErrorContains(t, products[1].run(t, w), "no barrier")
		})
	}
	t.Run("no bound of elements", func(t *testing.T) {
		w := newTwin(t, &fake.Library{OnText: nth(`@%p\d+ bra `, 0, "@!%p0 bra NEXT; NEXT: //")})
		v := kernel.Variant{Kernel: kernel.Map, Spec: [kernel.Specs]uint32{kernel.Mul}}
		const n = 300
		bindings := []run.Range{w.random(t, n, kernel.F32, 1), w.random(t, n, kernel.F32, 2), w.random(t, n, kernel.F32, 3)}
		require.ErrorContains(t, w.run(t, v, ceil(n, 2*kernel.Threads), bindings, n), "in no allocation")
	})
}
