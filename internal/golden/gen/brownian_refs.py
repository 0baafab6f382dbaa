"""Writes sched/testdata/brownian.json: seeds of numpy, what k-diffusion's BrownianTreeNoiseSampler, which is torchsde's tree, gives for steps in
any order, and the ends of k-diffusion's SDE samplers with it, in float32.

    python internal/golden/gen/brownian_refs.py
"""
import functools
import warnings

import k_diffusion as K
import numpy as np
import torch

from sched_refs import denoise, f32, write

warnings.filterwarnings("ignore")
SEEDS = [0, 1, 42, 2**31, 2**32 - 1, 2**32, 0xDEADBEEFCAFE, 2**63 - 1]


def seeds():
    cases = []
    for seed in SEEDS:
        for spawn in [None, (0, 0), (1, 1), (5, 3), (2**33 + 7, 34)]:
            s = np.random.SeedSequence(seed, pool_size=24) if spawn is None else np.random.SeedSequence(seed, spawn_key=spawn, pool_size=24)
            cases.append(dict(kind="seeds", seed=seed, spawn=list(spawn or []), values=[[int(v) for v in s.generate_state(26)]]))
    return cases


def queries(rng, seed, shape):
    sigmas = K.sampling.get_sigmas_karras(int(rng.integers(2, 30)), float(rng.uniform(0.01, 0.2)), float(rng.uniform(2, 80)))[:-1]
    noise = K.sampling.BrownianTreeNoiseSampler(torch.zeros(shape), sigmas.min(), sigmas.max(), seed=seed)
    steps = [(a.item(), b.item()) for a, b in zip(sigmas[:-1], sigmas[1:])]
    steps += [(b, a) for a, b in steps[:2]] + [(sigmas[0].item(), sigmas[-1].item())]
    steps += [tuple(float(np.float32(v)) for v in rng.uniform(sigmas.min().item(), sigmas.max().item(), 2)) for _ in range(4)]
    rng.shuffle(steps)
    every = max(1, int(np.prod(shape)) // 5)
    values = [f32(noise(torch.tensor(a), torch.tensor(b)).ravel()[::every]) for a, b in steps]
    return dict(kind="steps", seed=seed, size=int(np.prod(shape)), sigmas=[s.item() for s in sigmas], steps=[list(s) for s in steps], every=every, values=values)


def trajectory(name, kind, steps, seed):
    f = getattr(K.sampling, f"sample_{name.removesuffix('_heun')}")
    if name == "dpmpp_2m_sde_heun":
        f = functools.partial(f, solver_type="heun")
    elif name == "dpmpp_2m_sde":
        f = functools.partial(f, solver_type="midpoint")
    sigmas = K.sampling.get_sigmas_karras(steps, 0.03, 14.6)
    x = torch.randn(8, generator=torch.Generator().manual_seed(seed)) * sigmas[0]
    noise = K.sampling.BrownianTreeNoiseSampler(x, sigmas[sigmas > 0].min(), sigmas.max(), seed=seed)
    model = lambda x, sigma: torch.from_numpy(denoise(kind, x.numpy().astype(np.float64), sigma.ravel()[0].item())).float()
    last = f(model, x, sigmas, noise_sampler=noise, disable=True)
    return dict(kind="run", sampler=name, denoiser=kind, seed=seed, size=8, sigmas=[s.item() for s in sigmas], values=[f32(last)])


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    shapes = [(3,), (16,), (2, 9), (1, 4, 8, 8)]
    cases = seeds()
    cases += [queries(rng, seed, shapes[i % len(shapes)]) for i, seed in enumerate(SEEDS)]
    cases += [trajectory(name, kind, steps, seed) for name in ("dpmpp_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde")
              for kind, steps, seed in (("gaussian", 7, 3), ("tanh", 20, 2**40 + 5))]
    write("brownian.json", cases)
