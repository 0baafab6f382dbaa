package sdxl

import (
	"fmt"
	"math"
	"slices"

	"github.com/df65613c/easel/internal/ptr"

	"github.com/df65613c/easel/sdxl/prompt"
)

// blend is texts and the share that each has in an embedding; shares sum to 1.
type blend []struct {
	text  PromptText
	share float64
}

// script is the conditioning of each side of the batch at each step.
type script struct {
	PromptOptions
	guided  bool      // there is a negative side
	zeros   bool      // whose embeddings are zeros
	weights []float32 // of the guidance of each positive side
	scenes  [][]blend // the different ones: the negative side's, unless it is zeros, and the positive sides'
	at      []int     // the scene of each step
}

// mostClauses bounds the sides of a picture.
const mostClauses = 32

// script reads the prompts for a run of a number of steps.
func (r *resolved) script(m *Model, steps int) (*script, error) {
	s := &script{PromptOptions: PromptOptions{r.syntax, r.layersSkipped(), r.set, r.inverted}, guided: r.Guidance.Guided(r.cfg) && !m.UNet.TakesGuidance()}
	positive, negative := r.sides()
	var sides []func(step int) blend
	if r.Prompts != nil {
		s.weights = []float32{1}
		sides = append(sides, r.mix(positive, steps))
	} else {
		clauses := r.syntax.Clauses(r.Prompt)
		if len(clauses) > mostClauses {
			return nil, &FieldError{"prompt",
				fmt.Sprintf("has %d clauses with AND between them, want at most %d", len(clauses), mostClauses)}
		}
		for _, c := range clauses {
			if w := float32(c.Weight); w-w != 0 {
				return nil, &FieldError{"prompt", fmt.Sprintf("has a clause of weight %g, want numbers below %g", c.Weight, math.MaxFloat32)}
			}
			s.weights = append(s.weights, float32(c.Weight))
			sides = append(sides, r.one(c.Text, ptr.Or(r.Prompt2, c.Text), steps))
		}
	}
	if len(s.weights) > 1 || s.weights[0] != 1 {
		s.guided = true // a sum of guidances has no meaning without what it is from
	}
	if s.guided {
		s.zeros = r.zeroNegative(m, negative)
		switch {
		case s.zeros:
		case r.Prompts != nil && negative != nil:
			sides = slices.Insert(sides, 0, r.mix(negative, steps))
		default:
			text := ptr.Or(r.Negative, "")
			sides = slices.Insert(sides, 0, r.one(text, ptr.Or(r.Negative2, text), steps))
		}
	}
	seen := make(map[string]int)
	for step := range steps {
		scene := make([]blend, len(sides))
		for i, side := range sides {
			scene[i] = side(step)
		}
		key := fmt.Sprintf("%#v", scene)
		i, ok := seen[key]
		if !ok {
			i = len(s.scenes)
			seen[key] = i
			s.scenes = append(s.scenes, scene)
		}
		s.at = append(s.at, i)
	}
	return s, nil
}

// zeroNegative reports whether the embeddings of the negative side are zeros:
// if there is no negative prompt and the model was trained that way; in a1111,
// with any model, if there is none or an empty one.
func (r *resolved) zeroNegative(m *Model, negative []WeightedPrompt) bool {
	empty := len(negative) == 0 || len(negative) == 1 && negative[0].Text == ""
	switch r.syntax {
	case prompt.A1111:
		return empty && ptr.Or(r.Negative2, "") == ""
	case prompt.Comfy:
		return false
	}
	return m.ZeroNegative && negative == nil && r.Negative2 == nil
}

// one returns a side of a single text for each encoder.
func (r *resolved) one(l, g string, steps int) func(int) blend {
	editsL, editsG := r.syntax.Edits(l), r.syntax.Edits(g)
	return func(step int) blend {
		return blend{{PromptText{editsL.At(step, steps), editsG.At(step, steps)}, 1}}
	}
}

// mix returns a side of texts by weight.
func (r *resolved) mix(prompts []WeightedPrompt, steps int) func(int) blend {
	edits := make([]*prompt.Edits, len(prompts))
	for i, p := range prompts {
		edits[i] = r.syntax.Edits(p.Text)
	}
	return func(step int) blend {
		b := make(blend, len(prompts))
		for i, p := range prompts {
			text := edits[i].At(step, steps)
			b[i].text, b[i].share = PromptText{text, text}, p.Weight
		}
		return b
	}
}

// sides returns the number of sides of the batch.
func (s *script) sides() int {
	if s.guided {
		return 1 + len(s.weights)
	}
	return len(s.weights)
}

// texts returns the different texts of all scenes.
func (s *script) texts() []PromptText {
	var texts []PromptText
	seen := make(map[PromptText]bool)
	for _, scene := range s.scenes {
		for _, b := range scene {
			for _, c := range b {
				if !seen[c.text] {
					seen[c.text] = true
					texts = append(texts, c.text)
				}
			}
		}
	}
	return texts
}

const (
	// mostChunks bounds the length that contexts are repeated to.
	mostChunks = 256
	// mostTexts bounds the texts of a prompt that changes, and the chunks of all
	// of them: each takes memory, and time of the text encoders.
	mostTexts = 512
)

// chunks returns the number of chunks that all contexts are repeated to, the
// least multiple of each one's own, and the number of different chunks. Attention
// gives the same for a context that is repeated as a whole.
func (s *script) chunks(m *Model) (all, different int, err error) {
	texts := s.texts()
	if len(texts) > mostTexts {
		return 0, 0, &FieldError{"prompt", fmt.Sprintf("changes to %d texts over the steps, want at most %d", len(texts), mostTexts)}
	}
	all = 1
	seen := make(map[string]bool)
	for _, t := range texts {
		pairs := m.pairs(s.PromptOptions, t)
		for _, p := range pairs {
			seen[p.key()] = true
		}
		if len(seen) > mostTexts {
			return 0, 0, &FieldError{"prompt",
				fmt.Sprintf("has over %d different chunks of %d tokens over the steps, want fewer", mostTexts, prompt.Length)}
		}
		n := len(pairs)
		if all = all / gcd(all, n) * n; all > mostChunks {
			return 0, 0, &FieldError{"prompt",
				fmt.Sprintf("has a text of %d chunks of %d tokens, and others' lengths are no shares or multiples of it; make them shorter or of like length", n, prompt.Length)}
		}
	}
	return all, len(seen), nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
