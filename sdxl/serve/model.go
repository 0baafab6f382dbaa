package serve

import (
	"context"

	"github.com/df65613c/easel/clip"
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

// pipelineModel is a pipeline, and its second text encoder for embeddings.
type pipelineModel struct {
	*sdxl.Pipeline
	texts *clip.Model
	err   error // why there are none
}

func newPipelineModel(p *sdxl.Pipeline) pipelineModel {
	texts, err := p.CLIP()
	return pipelineModel{p, texts, err}
}

func (p pipelineModel) Predict(ctx context.Context, r *request.Request, po request.Options) (*request.Response, error) {
	return request.Predict(ctx, p.Pipeline, r, po)
}

func (p pipelineModel) Embed(ctx context.Context, texts []string) ([][]float32, int, error) {
	if p.err != nil {
		return nil, 0, p.err
	}
	tokens := 0
	for _, text := range texts {
		n, _, err := p.texts.TextTokens(text)
		if err != nil {
			return nil, 0, err
		}
		tokens += n
	}
	rows, err := p.texts.EmbedTexts(ctx, texts)
	return rows, tokens, err
}

func (p pipelineModel) Dimensions() int { return p.Model().TextG.PooledDim() }
