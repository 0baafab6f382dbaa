"""Writes sched/testdata/solvers.json: trajectories in float64 of diffusers' DEIS, UniPC of orders below 3, PNDM, TCD and SA-Solver over given noise levels. RES multistep and
restart, which neither diffusers nor k-diffusion has, are written down here with numpy and scipy.

    python internal/golden/gen/solver_refs.py
"""
import itertools
import warnings

import diffusers
import k_diffusion as K
import numpy as np
import torch
from scipy.integrate import quad

from sched_refs import SDXL, denoise, noises, write


def karras(steps, low=0.03, high=14.6):
    """Noise levels above 0."""
    return K.sampling.get_sigmas_karras(steps + 1, low, high)[:-1].double().numpy()


def case(name, kind, sigmas, last, **more):
    return dict(sampler=name, denoiser=kind, sigmas=list(map(float, sigmas)), last=np.asarray(last).ravel().tolist(), **more)


def multistep(name, cls, kind, steps, low, tau=None, **config):
    """A scheduler of diffusers that keeps its own sigmas, which are replaced."""
    sigmas = karras(steps)
    if tau is not None:
        levels = torch.sqrt((1 - base().alphas_cumprod) / base().alphas_cumprod)
        config["tau_func"] = lambda i: tau if levels[200] <= sigmas[i] <= levels[800] else 0.0
    s = cls(prediction_type="sample", lower_order_final=low, **config)
    s.set_timesteps(steps)
    s.sigmas = torch.from_numpy(sigmas)
    s.set_begin_index(0)
    scale = np.sqrt(1 + sigmas**2)
    first, *rest = noises(5, steps + 1)
    x = torch.from_numpy(first.astype(float) * sigmas[0] / scale[0])[None]
    for i, t in enumerate(s.timesteps):
        x0 = torch.from_numpy(denoise(kind, x.numpy() * scale[i], sigmas[i]))
        if tau is not None:
            diffusers.schedulers.scheduling_sasolver.randn_tensor = lambda *a, **k: torch.from_numpy(rest[i].astype(float))[None]
            s.tau_func = lambda t, f=config["tau_func"]: torch.tensor(f(int(torch.as_tensor(t))) if int(torch.as_tensor(t)) < steps else 0.0).double()
            t = torch.tensor(i)
        x = s.step(x0, t, x, return_dict=False)[0]
    return case(name, kind, sigmas, x.numpy() * scale[-1], first_order_last=low, eta=tau, order=config.get("solver_order", 0))


def base(cls=diffusers.DDIMScheduler, **config):
    s = cls.from_config(SDXL, **config)
    s.alphas_cumprod = s.alphas_cumprod.double()
    return s


def plms(kind, steps):
    s = base(diffusers.PNDMScheduler, skip_prk_steps=True, set_alpha_to_one=False)
    s.final_alpha_cumprod = s.alphas_cumprod[0]
    s.set_timesteps(steps)
    at = lambda t: np.sqrt((1 - s.alphas_cumprod[t].item()) / s.alphas_cumprod[t].item())
    times = s.timesteps.tolist()
    times = times[:1] + times[2:] if steps > 1 else times
    sigmas = [at(t) for t in times] + [at(max(times[-1] - 1000 // steps, 0))]
    x = torch.from_numpy(noises(5, 1)[0].astype(float) * sigmas[0])[None] * torch.sqrt(s.alphas_cumprod[times[0]])
    for t in s.timesteps:
        ve = x / torch.sqrt(s.alphas_cumprod[t])
        eps = (ve - torch.from_numpy(denoise(kind, ve.numpy(), at(t)))) / at(t)
        x = s.step(eps, t, x, return_dict=False)[0]
    return case("plms", kind, sigmas, x.numpy() * np.sqrt(1 + sigmas[-1] ** 2))


def tcd(kind, steps, gamma):
    s = base(diffusers.TCDScheduler, original_inference_steps=50)
    s.set_timesteps(steps)
    at = lambda t: np.sqrt((1 - s.alphas_cumprod[t].item()) / s.alphas_cumprod[t].item())
    sigmas = [at(t) for t in s.timesteps] + [at(0)]
    first, *rest = noises(5, steps + 1)
    x = torch.from_numpy(first.astype(float) * sigmas[0] / np.sqrt(1 + sigmas[0] ** 2))[None]
    for i, t in enumerate(s.timesteps):
        ve = x * np.sqrt(1 + sigmas[i] ** 2)
        eps = (ve - torch.from_numpy(denoise(kind, ve.numpy(), sigmas[i]))) / sigmas[i]
        diffusers.schedulers.scheduling_tcd.randn_tensor = lambda *a, **k: torch.from_numpy(rest[i].astype(float))[None]
        x = s.step(eps, t, x, eta=gamma, return_dict=False)[0]
    return case("tcd", kind, sigmas, x.numpy() * np.sqrt(1 + sigmas[-1] ** 2), eta=gamma)


def res(kind, steps):
    """x(l) = exp(-(l-l0)) x + integral of exp(-(l-t)) D(t), D linear through the last two, l = -log sigma."""
    sigmas = karras(steps)
    x, past = noises(5, 1)[0].astype(float) * sigmas[0], None
    for i in range(steps):
        l0, l1 = -np.log(sigmas[i]), -np.log(sigmas[i + 1])
        d = denoise(kind, x, sigmas[i])
        whole = quad(lambda t: np.exp(t - l1), l0, l1, epsabs=1e-14)[0]
        new = np.exp(l0 - l1) * x + whole * d
        if past is not None:
            new += quad(lambda t: np.exp(t - l1) * (t - l0), l0, l1, epsabs=1e-14)[0] * (d - past[0]) / (l0 - past[1])
        past, x = (d, l0), new
    return case("res_multistep", kind, sigmas, x)


def restart(kind, steps, low, high, n, times):
    sigmas = np.append(K.sampling.get_sigmas_karras(steps, 0.03, 14.6)[:-1].double().numpy(), 0)
    first, *rest = [v.astype(float) for v in noises(5, times + 1)]
    x = first * sigmas[0]

    def heun(x, a, b):
        d = (x - denoise(kind, x, a)) / a
        if b == 0:
            return x + (b - a) * d
        y = x + (b - a) * d
        return x + (b - a) * (d + (y - denoise(kind, y, b)) / b) / 2

    nearest = lambda v: int(np.argmin(np.abs(sigmas - v)))
    for i in range(steps):
        x = heun(x, sigmas[i], sigmas[i + 1])
        if i + 1 == nearest(low) and nearest(high) < i + 1:
            a, b = sigmas[nearest(high)], sigmas[i + 1]
            for k in range(times):
                x = x + np.sqrt(a**2 - b**2) * rest[k]
                levels = (a ** (1 / 7) + np.linspace(0, 1, n + 1) * (b ** (1 / 7) - a ** (1 / 7))) ** 7
                for s, t in zip(levels[:-1], levels[1:]):
                    x = heun(x, s, t)
    return case("restart", kind, sigmas, x, restart=dict(Min=low, Max=high, Steps=n, Times=times))


def cases():
    for kind in ("gaussian", "tanh"):
        for steps in (1, 2, 3, 4, 12):
            for low in (False, True):
                yield multistep("deis", diffusers.DEISMultistepScheduler, kind, steps, low, solver_order=3)
        for steps, order, low in itertools.product((3, 12), (1, 2), (False, True)):
            yield multistep("deis", diffusers.DEISMultistepScheduler, kind, steps, low, solver_order=order)
            for name, solver in (("uni_pc", "bh1"), ("uni_pc_bh2", "bh2")):
                yield multistep(name, diffusers.UniPCMultistepScheduler, kind, steps, low, solver_order=order, solver_type=solver)
        for steps in (2, 3, 12, 25):
            for tau in (0.0, 0.5, 1.0):
                yield multistep("sa_solver", diffusers.SASolverScheduler, kind, steps, False, tau)
            yield multistep("sa_solver", diffusers.SASolverScheduler, kind, steps, True, 1.0)
        for steps in (2, 3, 5, 20):
            yield plms(kind, steps)
        for steps in (1, 2, 4, 8):
            for gamma in (0.0, 0.3, 1.0):
                yield tcd(kind, steps, gamma)
        for steps in (1, 2, 12):
            yield res(kind, steps)
        for steps, n, times in ((12, 3, 1), (20, 9, 1), (36, 9, 2)):
            yield restart(kind, steps, 0.1, 2.0, n, times)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    diffusers.utils.logging.set_verbosity_error()
    write("solvers.json", list(cases()))
