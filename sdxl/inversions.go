package sdxl

import (
	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/ptr"
	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/tensor"
)

// inversions are the words of a picture's texts that have vectors of their own. In a
// text their ids are negative, -1 being the first vector.
type inversions struct {
	words   [2][]prompt.Word // of both encoders
	vectors [2][]float32
}

// inversions reads those that the texts may have.
func (p *Pipeline) inversions(r *resolved, uses []adapt.Use) (*inversions, error) {
	m := p.model
	widths := [2]int{m.TextL.Config.HiddenSize, m.TextG.Config.HiddenSize}
	list, err := p.words.In(r.allTexts(), widths[0], widths[1])
	if err != nil {
		return nil, &FieldError{"prompt", "has an embedding: " + err.Error()}
	}
	for i := range uses {
		own, err := uses[i].File.Embeddings(widths[0], widths[1])
		if err != nil {
			return nil, &FieldError{"adapters", "have an embedding: " + err.Error()}
		}
		list = append(list, own...)
	}
	if len(list) == 0 {
		return nil, nil
	}
	v := new(inversions)
	for _, e := range list {
		for i, t := range [2]*tensor.Tensor{e.L, e.G} {
			w := prompt.Word{Name: e.Name, Token: e.Token, First: -1 - int32(len(v.vectors[i])/widths[i])}
			if t != nil {
				w.Count = t.Shape()[0]
				v.vectors[i] = append(v.vectors[i], t.Float32s()...)
			}
			v.words[i] = append(v.words[i], w)
		}
	}
	return v, nil
}

// allTexts returns what any side is told.
func (r *resolved) allTexts() []string {
	texts := []string{r.Prompt, ptr.Or(r.Negative, ""), ptr.Or(r.Prompt2, ""), ptr.Or(r.Negative2, "")}
	for _, p := range r.Prompts {
		texts = append(texts, p.Text)
	}
	return texts
}

// wordsOf returns the words of an encoder, 0 or 1.
func (v *inversions) wordsOf(encoder int) []prompt.Word {
	if v == nil {
		return nil
	}
	return v.words[encoder]
}

// placeholder is the token that stands where a vector of its own goes.
const placeholder = 0

// inject puts placeholders for negative ids, and returns what must be added to the
// embeddings of the tokens for their vectors to stand there, or nil if there are none.
func (v *inversions) inject(encoder int, e *clip.TextEncoder, ids []int32) (*tensor.Tensor, error) {
	var added *tensor.Tensor
	var instead []float32
	width := e.Config.HiddenSize
	for at, id := range ids {
		if id >= 0 {
			continue
		}
		if added == nil {
			var err error
			if instead, err = e.TokenVector(placeholder); err != nil {
				return nil, err
			}
			added = tensor.New(tensor.F32, len(ids)/prompt.Length, prompt.Length, width)
		}
		ids[at] = placeholder
		from := v.vectors[encoder][int(-1-id)*width:][:width]
		for i, x := range from {
			added.Float32s()[at*width+i] = x - instead[i]
		}
	}
	return added, nil
}
