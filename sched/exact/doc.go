// Package exact holds distributions whose denoiser is known, and with it the
// solution of the probability-flow ODE dx/dsigma = (x - D(x, sigma))/sigma that
// samplers approximate (Karras et al. 2022, equation 1). On these the error of a
// sampler can be measured, and the order at which it falls.
package exact
