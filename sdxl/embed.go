package sdxl

import "github.com/df65613c/easel/clip"

// CLIP returns the second text encoder as a model that turns texts into
// vectors, each text at its own length. The vectors lie in one space with those
// of pictures by OpenCLIP's bigG, which is the image encoder of IP-Adapter:
// clip.Pair joins the two. The model must stay open.
func (m *Model) CLIP(o clip.Options) (*clip.Model, error) {
	if err := m.Require("embedding texts", TextParts); err != nil {
		return nil, err
	}
	return clip.NewText(m.Path, m.TextG, m.weights[textGPart].File(), m.TokenizerG, o), nil
}

// CLIP is the model's CLIP on the pipeline's backend, within its limit of memory.
func (p *Pipeline) CLIP() (*clip.Model, error) {
	return p.model.CLIP(clip.Options{Backend: p.limited(), Memory: networkMemory(p.memory, 0) / 4})
}
