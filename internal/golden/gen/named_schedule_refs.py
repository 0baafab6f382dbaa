"""Writes sched/testdata/named.json, sigma schedules by name and dialect, and tails.json, what image-to-image runs make of them.

    python internal/golden/gen/named_schedule_refs.py

exponential and beta are diffusers', and normal, karras, exponential and polyexponential k-diffusion's own; lcm has diffusers' timesteps. The
others are written down here from their definitions.
"""
import pathlib
import warnings

import diffusers
import k_diffusion as K
import numpy as np
import scipy.stats
import torch

from sched_refs import CLASSES, SDXL, f32, folder_scheduler, write

ALPHAS = folder_scheduler(SDXL).alphas_cumprod
TRAIN = np.array(((1 - ALPHAS) / ALPHAS) ** 0.5, dtype=np.float64)
LOGS = np.log(TRAIN.astype(np.float32))


def use(dialect):
    """Takes the levels of training as a program has them."""
    global TRAIN, LOGS
    if dialect == "k-diffusion":  # which is given them
        sigmas = ((1 - ALPHAS) / ALPHAS) ** 0.5
    else:
        alphas = torch.cumprod(1 - torch.linspace(.00085**.5, .012**.5, 1000, dtype=torch.float64) ** 2, 0)
        alphas = alphas.float() if dialect == "a1111" else alphas
        sigmas = ((1 - alphas) / alphas) ** 0.5
    TRAIN, LOGS = sigmas.float().double().numpy(), sigmas.log().float().numpy()


AYS = [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029]
AYS_32 = [
    14.615, 11.1491618, 8.50522127, 6.48827151, 5.43707402, 4.60398619, 3.89854704, 3.27407457, 2.74396527, 2.29968659, 1.95448514, 1.67108715, 1.42878152,
    1.23181009, 1.06789649, 0.92579443, 0.80290886, 0.69660121, 0.60436903, 0.52852552, 0.46773344, 0.41393379, 0.36258186, 0.31008517, 0.26518925, 0.22326461,
    0.17653877, 0.13959192, 0.10587381, 0.05519369, 0.02877334, 0.015]
GITS = [14.615, 4.734, 2.567, 1.529, 0.987, 0.652, 0.418, 0.268, 0.179, 0.127, 0.029]
STEPS = [1, 2, 3, 7, 10, 11, 20, 30]


def diffusers_cases():
    for sampler in ("euler", "dpmpp_2m"):
        for name in ("exponential", "beta"):
            for spacing in ("leading", "linspace", "trailing"):
                for n in STEPS:
                    s = CLASSES[sampler].from_config(SDXL, **{f"use_{name}_sigmas": True, "timestep_spacing": spacing})
                    s.set_timesteps(n)
                    yield dict(dialect="diffusers", sampler=sampler, schedule=name, spacing=spacing, steps=n, sigmas=f32(s.sigmas), times=f32(s.timesteps))


class Network(K.external.DiscreteSchedule):
    def __init__(self):
        super().__init__(torch.from_numpy(TRAIN).float(), quantize=False)
        self.log_sigmas = torch.from_numpy(LOGS)


def at(t):
    lo = np.minimum(np.floor(t).astype(int), len(LOGS) - 2)
    return np.exp(LOGS[lo] + (t - lo) * (LOGS[lo + 1].astype(float) - LOGS[lo]))


def simple(n):
    return [TRAIN[::-1][int(i * len(TRAIN) / n)] for i in range(n)] + [0]


def ddim_uniform(n):
    return list(TRAIN[1::max(len(TRAIN) // n, 1)][::-1]) + [0]


def web_beta(n):
    """The web UI has quantiles of noise levels, with both ends."""
    return list(TRAIN[0] + scipy.stats.beta.ppf(1 - np.linspace(0, 1, n), .6, .6) * (TRAIN[-1] - TRAIN[0])) + [0]


def beta(n):
    t = np.rint(scipy.stats.beta.ppf(1 - np.linspace(0, 1, n, endpoint=False), .6, .6) * (len(TRAIN) - 1)).astype(int)
    return [TRAIN[i] for j, i in enumerate(t) if j == 0 or i != t[j - 1]] + [0]


def linear_quadratic(n, threshold=.025):
    """A line from 0 to the threshold over half of the steps, then the parabola to 1 that goes on with its slope up to the last step's end."""
    if n == 1:
        return [TRAIN[-1], 0]
    k, q = n // 2, n - n // 2
    diff = k - threshold * n
    i = np.arange(n)
    curve = diff / (k * q * q) * i**2 + (threshold / k - 2 * diff / q**2) * i + diff / (k * q * q) * k**2
    return list((1 - np.where(i < k, i * threshold / k, curve)) * TRAIN[-1]) + [0]


def kl_optimal(n, web):
    m = n + 1 if web else n
    share = np.arange(m) / max(m - 1, 1)
    return list(np.tan(share * np.arctan(TRAIN[0]) + (1 - share) * np.arctan(TRAIN[-1]))) + ([] if web else [0])


def ays(n, web, levels=AYS):
    def stretch(m):
        return list(np.exp(np.interp(np.linspace(0, 1, m), np.linspace(0, 1, len(levels)), np.log(levels))))
    if web:
        return stretch(n) + [0]
    return stretch(n + 1)[:-1] + [0]


def lcm(n):
    s = diffusers.LCMScheduler.from_config(SDXL)
    s.set_timesteps(n)
    return [TRAIN[t] for t in s.timesteps.tolist()] + [0]


def nearest(sigma):
    return int(np.argmin(np.abs(LOGS - np.float32(np.log(np.float32(sigma))))))


def named(n, web):
    lo, hi = float(TRAIN[0]), float(TRAIN[-1])
    return dict(karras=K.sampling.get_sigmas_karras(n, lo, hi), exponential=K.sampling.get_sigmas_exponential(n, lo, hi),
                polyexponential=K.sampling.get_sigmas_polyexponential(n, lo, hi), normal=Network().get_sigmas(n), simple=simple(n),
                sgm_uniform=Network().t_to_sigma(torch.linspace(len(TRAIN) - 1, 0, n + 1)[:-1]).tolist() + [0], ddim_uniform=ddim_uniform(n), beta=web_beta(n) if web else beta(n),
                linear_quadratic=linear_quadratic(n), kl_optimal=kl_optimal(n, web), align_your_steps=ays(n, web), align_your_steps_32=ays(n, web, AYS_32),
                align_your_steps_gits=ays(n, web, GITS))


def other_cases():
    for n in STEPS:
        yield dict(dialect="diffusers", sampler="euler", schedule="lcm", steps=n, sigmas=f32(lcm(n)), times=diffusers_lcm_times(n))
    for dialect in ("k-diffusion", "a1111", "comfy"):
        use(dialect)
        net = Network()
        for n in STEPS:
            for name, sigmas in named(n, dialect == "a1111").items():
                sigmas = f32(sigmas)
                times = [nearest(s) if dialect == "comfy" else float(net.sigma_to_t(torch.tensor(s))) for s in sigmas if s > 0][:len(sigmas) - 1]
                yield dict(dialect=dialect, sampler="euler", schedule=name, steps=n, sigmas=sigmas, times=times, scale=first_scale(dialect, sigmas[0]))
            for name, sampler in dict(a1111=[("karras", "dpm_2"), ("karras", "dpmpp_3m_sde")], comfy=[("normal", "uni_pc")]).get(dialect, []):
                sigmas = f32(named(n + 1, dialect == "a1111")[name])
                end = [.001] if sampler == "uni_pc" else sigmas[-1:]  # where ComfyUI's ends
                yield dict(dialect=dialect, sampler=sampler, schedule=name, steps=n, sigmas=sigmas[:-2] + end, scale=first_scale(dialect, sigmas[0]))


def first_scale(dialect, sigma):
    """The web UI has sigma; ComfyUI the root of 1 + sigma^2 where that is the highest level or above."""
    whole = dialect == "comfy" and (np.isclose(sigma, TRAIN[-1], rtol=1e-5, atol=0) or sigma > TRAIN[-1])
    return float(np.hypot(1, sigma) if whole else sigma)


def tail(dialect, sampler, name, n, strength):
    """The noise levels of an image-to-image run. The web UI enters a schedule of n steps at the last int(strength n) and the one before. ComfyUI
    makes one of int(n / strength) and keeps the last n, or has no picture to keep above .9999."""
    def made(k):
        more = (dialect, sampler) in (("a1111", "dpm_2"), ("comfy", "uni_pc"))
        sigmas = list(named(k + more, dialect == "a1111")[name])
        end = [.001] if sampler == "uni_pc" else sigmas[-1:]
        return sigmas[:-2] + end if more else sigmas
    if dialect == "a1111":
        enter = int(min(strength, .999) * n)
        return made(n)[n - enter - 1:]
    return made(n) if strength > .9999 else made(int(n / strength))[-(n + 1):]


def tail_cases():
    for dialect, sampler in (("a1111", "euler"), ("a1111", "dpm_2"), ("comfy", "euler"), ("comfy", "uni_pc")):
        use(dialect)
        for name in ("normal", "karras", "ddim_uniform", "beta", "kl_optimal"):
            for n, strength in ((1, .5), (7, .3), (10, .65), (20, .75), (20, .99995), (20, 1), (30, .1), (9, 1 / 3)):
                sigmas = f32(tail(dialect, sampler, name, n, strength))
                yield dict(dialect=dialect, sampler=sampler, schedule=name, steps=n, strength=strength, sigmas=sigmas, scale=first_scale(dialect, sigmas[0]))


def diffusers_lcm_times(n):
    s = diffusers.LCMScheduler.from_config(SDXL)
    s.set_timesteps(n)
    return s.timesteps.tolist()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    diffusers.utils.logging.set_verbosity_error()
    write("named.json", [*diffusers_cases(), *other_cases()])
    write("tails.json", [*tail_cases()])
