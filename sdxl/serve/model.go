package serve

import (
	"context"

	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

// model is what a Server asks of a pipeline.
type model interface {
	Predict(context.Context, *request.Request, request.Options) (*request.Response, error)
	// Embed returns a pooled embedding for each text, and how many tokens were read.
	Embed(ctx context.Context, texts []string) (rows [][]float32, tokens int, err error)
	// Dimensions is how many numbers such an embedding has.
	Dimensions() int
}

type pipelineModel struct{ *sdxl.Pipeline }

func (p pipelineModel) Predict(ctx context.Context, r *request.Request, po request.Options) (*request.Response, error) {
	return request.Predict(ctx, p.Pipeline, r, po)
}

func (p pipelineModel) Embed(ctx context.Context, texts []string) ([][]float32, int, error) {
	e, err := p.EncodeText(ctx, texts)
	if err != nil {
		return nil, 0, err
	}
	tokens := 0
	for _, text := range texts {
		tokens += min(len(p.Model.TokenizerG.Encode(text)), sdxl.TextTokens)
	}
	rows := make([][]float32, len(texts))
	v := e.Pooled.Float32s()
	n := len(v) / len(texts)
	for i := range rows {
		rows[i] = v[i*n : (i+1)*n]
	}
	return rows, tokens, nil
}

func (p pipelineModel) Dimensions() int { return p.Model.TextG.PooledDim() }
