"""Writes sched/testdata/options.json: trajectories in float64 of k-diffusion with eta, s_noise and churn, of its DPM fast and adaptive, and of
diffusers' DDIM and DDPM; LCM and IPNDM are written down here.

    python internal/golden/gen/sampler_option_refs.py
"""
import functools
import warnings

import diffusers
import k_diffusion as K
import numpy as np
import torch

from sched_refs import SDXL, denoise, noises, write


def k_case(name, kind, steps, options):
    f = getattr(K.sampling, f"sample_{dict(euler_a='euler_ancestral', dpm_2_a='dpm_2_ancestral', dpmpp_2s_a='dpmpp_2s_ancestral', dpmpp_2m_sde_heun='dpmpp_2m_sde').get(name, name)}")
    if name == "dpmpp_2m_sde_heun":
        f = functools.partial(f, solver_type="heun")
    sigmas = K.sampling.get_sigmas_karras(steps, 0.03, 14.6).double()
    first, *rest = [torch.from_numpy(n).double() for n in noises(5, 400)]
    rest = iter(rest)
    model = lambda x, sigma: torch.from_numpy(denoise(kind, x.numpy(), sigma[0].item()))
    args = {k: v for k, v in options.items()}
    if not any(k.startswith("s_churn") for k in options):
        args["noise_sampler"] = lambda *_: next(rest)
    randn_like = torch.randn_like
    torch.randn_like = lambda *_: next(rest)
    try:
        if name in ("dpm_fast", "dpm_adaptive"):
            lo, hi = sigmas[-2].item(), sigmas[0].item()
            more = dict(n=steps) if name == "dpm_fast" else {}
            torch.set_default_dtype(torch.float64)  # of the times that DPM fast lists
            with torch.no_grad():
                x = f(model, first * hi, torch.tensor(lo).double(), torch.tensor(hi).double(), disable=True, **more, **args)
        else:
            x = f(model, first * sigmas[0], sigmas, disable=True, **args)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.randn_like = randn_like
    return dict(sampler=name, denoiser=kind, sigmas=sigmas.tolist(), eta=options.get("eta"), s_noise=options.get("s_noise"), s_churn=options.get("s_churn", 0),
                s_tmin=options.get("s_tmin", 0), s_tmax=options.get("s_tmax", 0), last=x.tolist())


def ddim_case(kind, steps, eta, ddpm=False):
    """In float64; the states are in variance-preserving space."""
    cls = diffusers.DDPMScheduler if ddpm else diffusers.DDIMScheduler
    s = cls.from_config(SDXL, clip_sample=False)
    s.alphas_cumprod = s.alphas_cumprod.double()
    s.final_alpha_cumprod = s.alphas_cumprod[0]
    s.set_timesteps(steps)
    at = lambda t: torch.sqrt((1 - s.alphas_cumprod[t]) / s.alphas_cumprod[t]).item()
    last = 0.0 if ddpm else at(0)
    sigmas = [at(t) for t in s.timesteps] + [last]
    first, *rest = [torch.from_numpy(n).double() for n in noises(5, steps + 1)]
    x = first * sigmas[0] / np.sqrt(1 + sigmas[0] ** 2)
    for i, t in enumerate(s.timesteps):
        ve = x * np.sqrt(1 + sigmas[i] ** 2)
        eps = (ve - torch.from_numpy(denoise(kind, ve.numpy(), sigmas[i]))) / sigmas[i]
        args = {}
        if ddpm:
            diffusers.schedulers.scheduling_ddpm.randn_tensor = lambda *a, **k: rest[i][None]
        else:
            args = dict(eta=eta, variance_noise=rest[i][None])
        x = s.step(eps[None], t, x[None], return_dict=False, **args)[0][0]
    x = x * np.sqrt(1 + sigmas[-1] ** 2)
    return dict(sampler="euler_a" if ddpm else "ddim", denoiser=kind, sigmas=sigmas, eta=None if ddpm else eta, s_noise=None, s_churn=0, s_tmin=0, s_tmax=0, last=x.tolist())


def written(name, kind, steps):
    sigmas = K.sampling.get_sigmas_karras(steps, 0.03, 14.6).double().tolist()
    first, *rest = noises(5, steps + 1)
    x, slopes = first.astype(float) * sigmas[0], []
    for i in range(steps):
        d = denoise(kind, x, sigmas[i])
        if name == "lcm":
            x = d + sigmas[i + 1] * rest[i].astype(float)
            continue
        slopes = [(x - d) / sigmas[i], *slopes][:4]
        weights = {1: [1], 2: [1.5, -.5], 3: [23 / 12, -16 / 12, 5 / 12], 4: [55 / 24, -59 / 24, 37 / 24, -9 / 24]}[len(slopes)]
        x = x + (sigmas[i + 1] - sigmas[i]) * sum(w * s for w, s in zip(weights, slopes))
    return dict(sampler=name, denoiser=kind, sigmas=sigmas, eta=None, s_noise=None, s_churn=0, s_tmin=0, s_tmax=0, last=x.tolist())


def cases():
    for kind in ("gaussian", "tanh"):
        for name in ("euler_a", "dpm_2_a", "dpmpp_2s_a", "dpmpp_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde"):
            for options in (dict(eta=0.0), dict(eta=0.4), dict(eta=0.7, s_noise=1.1), dict(eta=1.0, s_noise=0.5)):
                yield k_case(name, kind, 12, options)
        for name in ("euler", "heun", "dpm_2"):
            for options in (dict(s_churn=4.0), dict(s_churn=20.0, s_noise=1.05), dict(s_churn=8.0, s_tmin=0.5, s_tmax=5.0)):
                yield k_case(name, kind, 12, options)
        for steps in (2, 3, 4, 5, 6, 9, 20):
            for options in (dict(eta=0.0), dict(eta=0.6, s_noise=0.9)):
                yield k_case("dpm_fast", kind, steps, options)
        for options in (dict(eta=0.0), dict(eta=0.6, s_noise=0.9)):
            yield k_case("dpm_adaptive", kind, 10, options)
        for steps in (2, 7, 20):
            for eta in (0.0, 0.3, 1.0):
                yield ddim_case(kind, steps, eta)
            yield ddim_case(kind, steps, 1.0, ddpm=True)
        for steps in (1, 2, 4, 8):
            yield written("lcm", kind, steps)
            yield written("ipndm", kind, steps)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    diffusers.utils.logging.set_verbosity_error()
    write("options.json", list(cases()))
