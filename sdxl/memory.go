package sdxl

import (
	"context"

	"github.com/df65613c/easel/nn"
)

// memoryBeside is kept free for what lies beside a network: pictures, latents,
// embeddings and the program itself.
const memoryBeside = 48 << 20

// networkMemory returns how much a network may allocate, 0 for no limit.
func (p *Pipeline) networkMemory() int64 {
	if p.Memory <= 0 {
		return 0
	}
	return max(1, p.Memory-max(memoryBeside, p.Memory/8))
}

// backend returns the backend under the pipeline's limit of memory.
func (p *Pipeline) backend() nn.Backend {
	if p.Memory <= 0 {
		return p.Backend
	}
	return limited{p.Backend, nn.CompileOptions{Memory: p.networkMemory(), Spill: true}}
}

// limited is a backend whose executables have a limit of memory.
type limited struct {
	nn.Backend
	limit nn.CompileOptions
}

func (l limited) Compile(ctx context.Context, p *nn.Program, opts nn.CompileOptions) (nn.Executable, error) {
	opts.Memory, opts.Spill = l.limit.Memory, l.limit.Spill
	return l.Backend.Compile(ctx, p, opts)
}
