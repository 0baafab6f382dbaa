// Package sched holds the numerical side of diffusion: noise, schedules of
// noise levels, and samplers. It knows no network: a sampler works on anything
// that estimates x0 from x0 + sigma noise.
//
// Names and numbers are those of Hugging Face's diffusers: a Config is its
// scheduler_config.json, and a Schedule holds the sigmas and timesteps that its
// scheduler would have. Samplers work in variance-exploding space, x = x0 +
// sigma noise, in float32 or float64.
package sched
