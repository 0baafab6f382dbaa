package sdxl

// WeightedPrompt is a text and how much of it the picture takes.
//
// The embeddings of the texts, hidden states and pooled, are averaged by weight:
// the texts of weights above 0 are the prompt, those of
// weights below 0 the negative prompt. Each side is divided by the sum of its
// weights, so that only their ratios matter; a text of weight 0 does nothing.
type WeightedPrompt struct {
	Text   string  `json:"text"`
	Weight float64 `json:"weight"`
}

// sides returns the texts of the positive and of the negative side with their
// shares, which sum to 1.
func (o *Options) sides() (positive, negative []WeightedPrompt) {
	if o.Prompts == nil {
		if o.Negative != nil {
			negative = []WeightedPrompt{{*o.Negative, 1}}
		}
		return []WeightedPrompt{{o.Prompt, 1}}, negative
	}
	for _, p := range o.Prompts {
		if p.Weight > 0 {
			positive = append(positive, p)
		} else if p.Weight < 0 {
			negative = append(negative, WeightedPrompt{p.Text, -p.Weight})
		}
	}
	shares(positive)
	shares(negative)
	return positive, negative
}

// shares divides weights by their sum.
func shares(prompts []WeightedPrompt) {
	sum := 0.0
	for _, p := range prompts {
		sum += p.Weight
	}
	for i := range prompts {
		prompts[i].Weight /= sum
	}
}
