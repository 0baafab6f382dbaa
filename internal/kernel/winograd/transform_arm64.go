package winograd

import "github.com/df65613c/easel/internal/cpu"

//go:noescape
func inputNEON(t *planes)

//go:noescape
func filterNEON(t *planes)

//go:noescape
func outputNEON(t *planes)

// vectors transforms whole vectors. The calls are direct, for t to stay on the
// stack.
func (p *Plan) vectors(k kind, t *planes) {
	switch {
	case p.level != cpu.NEON:
		t.generic(k)
	case k == input:
		inputNEON(t)
	case k == filter:
		filterNEON(t)
	case k == output:
		outputNEON(t)
	}
}
