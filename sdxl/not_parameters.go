package sdxl

import (
	"regexp"
	"slices"
	"strings"
)

// ignored is a kind of tensor that is not read.
type ignored struct {
	key *regexp.Regexp
	why string
}

// notParameters are the tensors of published files that no network of this
// package reads, by the pattern of their keys. Everything else that is left over
// is an error, as it may change what the model draws.
var notParameters = []ignored{
	{regexp.MustCompile(`^scaled_fp8$|\.(scale_input|input_scale)$`),
		"what programs divide activations by for products in 8 bits; easel's are in floating point"},
	{regexp.MustCompile(`\.weight_format$`), "how bitsandbytes orders integers of 8 bits in memory, which files have by rows"},
	{regexp.MustCompile(`(^|\.)model_ema\.`), "running averages of the training, of the whole model or of its VAE"},
	{regexp.MustCompile(`^(first_stage_model\.)?loss\.`), "the perceptual loss and the discriminator that trained the VAE"},
	{regexp.MustCompile(`(^|\.)(log_?vars?|lvlb_weights)$`), "weights of training losses"},
	{regexp.MustCompile(`^(global_step|epoch|step|iteration)$`), "how far the training was"},
	{regexp.MustCompile(`(^|\.)position_ids$`), "the numbers from 0, which older versions of transformers saved"},
	{regexp.MustCompile(`(^|\.)attn_mask$`), "the causal mask of OpenCLIP"},
	{regexp.MustCompile(`(^|\.)logit_(scale|bias)$`), "how CLIP's training compares texts with pictures"},
	{regexp.MustCompile(`(^|\.)text_projection(\.weight)?$`),
		"of the first text encoder, whose pooled output SDXL does not take; the second's is asked for by name"},
	{regexp.MustCompile(`(^|\.)(vision_model|visual|visual_projection)\.`), "the image tower of a whole CLIP"},
	{regexp.MustCompile(`(^|\.)((log_)?betas|((sqrt|log|sqrt_recip|sqrt_recipm1)_)?(one_minus_)?alphas_cumprod(_prev)?)$`),
		"tables of the noise schedule"},
	{regexp.MustCompile(`(^|\.)posterior_(variance|log_variance_clipped|mean_coef[12])$`), "tables of the noise schedule"},
	{regexp.MustCompile(`(^|\.)((log_)?sigmas|sigma_(min|max))$`),
		"noise levels; those that differ from SDXL's are read as markers"},
	{regexp.MustCompile(`^(` + strings.Join([]string{vPredictionKey, zeroTerminalKey, edmMeanKey, edmStdKey}, "|") + `)$`),
		"markers of how the model was trained, which are read as such"},
}

// parameter reports whether a tensor of a file should be some network's.
func parameter(key string) bool {
	return !slices.ContainsFunc(notParameters, func(i ignored) bool { return i.key.MatchString(key) })
}
