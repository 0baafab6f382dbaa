package sdxl

import (
	"slices"
	"strings"
)

// buffers are tensors in published files that are no parameters: tables that
// the reference computes, the training's averages, and markers of the kind of
// prediction.
var buffers = []string{
	"position_ids", "logit_scale", "log_vars", "betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod",
	"sqrt_one_minus_alphas_cumprod", "log_one_minus_alphas_cumprod", "sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod",
	"posterior_variance", "posterior_log_variance_clipped", "posterior_mean_coef1", "posterior_mean_coef2",
	"sigmas", vPredictionKey, zeroTerminalKey, edmMeanKey, edmStdKey, "sigma_min", "sigma_max",
}

func isBuffer(key string) bool {
	if strings.HasPrefix(key, "model_ema.") {
		return true
	}
	return slices.Contains(buffers, key[strings.LastIndexByte(key, '.')+1:])
}
