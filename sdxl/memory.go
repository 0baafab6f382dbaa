package sdxl

import (
	"context"

	"github.com/df65613c/easel/nn"
)

// memoryBeside is kept free for what lies beside a network: pictures, latents,
// embeddings and the program itself.
const memoryBeside = 48 << 20

// networkMemory returns how much a network may allocate of a limit of memory,
// of which others use a part; 0 is no limit.
func networkMemory(limit, used int64) int64 {
	if limit <= 0 {
		return 0
	}
	limit = max(1, limit-used)
	return max(1, limit-max(memoryBeside, limit/8))
}

// limited returns the backend under the pipeline's limit of memory, for a model
// that compiles networks itself.
func (p *Pipeline) limited() nn.Backend {
	if p.memory <= 0 {
		return p.base
	}
	return limitedBackend{p.base, networkMemory(p.memory, 0)}
}

// limitedBackend is a backend whose executables have a limit of memory.
type limitedBackend struct {
	nn.Backend
	memory int64
}

func (l limitedBackend) Compile(ctx context.Context, p *nn.Program, opts nn.CompileOptions) (nn.Executable, error) {
	opts.Memory, opts.Spill = l.memory, true
	return l.Backend.Compile(ctx, p, opts)
}
