package winograd

import "github.com/df65613c/easel/internal/cpu"

//go:noescape
func inputAVX2(t *planes)

//go:noescape
func filterAVX2(t *planes)

//go:noescape
func outputAVX2(t *planes)

//go:noescape
func inputAVX512(t *planes)

//go:noescape
func filterAVX512(t *planes)

//go:noescape
func outputAVX512(t *planes)

//go:noescape
func inputBF16AVX512(t *planes)

//go:noescape
func filterBF16AVX512(t *planes)

//go:noescape
func outputBF16AVX512(t *planes)

// vectors transforms whole vectors. The calls are direct, for t to stay on the
// stack.
func (p *Plan) vectors(k kind, t *planes) {
	switch {
	case k == inputBF16:
		inputBF16AVX512(t)
	case k == filterBF16:
		filterBF16AVX512(t)
	case k == outputBF16:
		outputBF16AVX512(t)
	case p.level == cpu.Generic:
		t.generic(k)
	case k == input && p.level == cpu.AVX2:
		inputAVX2(t)
	case k == filter && p.level == cpu.AVX2:
		filterAVX2(t)
	case k == output && p.level == cpu.AVX2:
		outputAVX2(t)
	case k == input:
		inputAVX512(t)
	case k == filter:
		filterAVX512(t)
	case k == output:
		outputAVX512(t)
	}
}
