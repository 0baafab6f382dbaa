"""Writes sched/guidance/testdata: what diffusers, and the papers' algorithms in numpy, make of two sides.

Run from the repository root with the versions of requirements.txt:

    python internal/golden/gen/guidance_refs.py
"""
import json
import pathlib

import diffusers
import numpy as np
import torch
from diffusers.guiders.adaptive_projected_guidance import MomentumBuffer, normalized_guidance
from diffusers.guiders.classifier_free_guidance import ClassifierFreeGuidance
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import rescale_noise_cfg

OUT = pathlib.Path("sched/guidance/testdata")
SHAPE = (1, 4, 2, 3)


def numbers(t):
    """Short enough to read, exact as float32."""
    return [float(str(v)) for v in np.asarray(t, dtype=np.float32).ravel()]


def sides(seed, spread=1.0):
    g = torch.Generator().manual_seed(seed)
    x, negative, extra = (torch.randn(SHAPE, generator=g) for _ in range(3))
    return 3 * x, negative, negative + spread * extra


def case(name, scale, steps, skip=1.0, out=-2.5, **settings):
    """steps are (x, negative, positive, guided) of one picture in turn."""
    return dict(name=name, scale=scale, skip=skip, out=out, settings=settings,
                steps=[dict(zip(("x", "negative", "positive", "guided"), map(numbers, s))) for s in steps])


def cfg():
    x, u, c = sides(1)
    guider = ClassifierFreeGuidance(guidance_scale=7.5)
    return case("cfg", 7.5, [(x, u, c, guider.forward(c, u).pred)])


def rescale():
    for phi in (0.3, 0.7, 1.0):
        x, u, c = sides(2)
        yield case(f"rescale {phi}", 9.0, [(x, u, c, rescale_noise_cfg(u + 9.0 * (c - u), c, phi))], rescale=phi)


def apg():
    """On outputs by diffusers; on x0 by the same function around the estimates of x0."""
    for eta, norm, momentum, phi in [(1, 0, 0, 0), (0, 0, 0, 0), (0, 4, 0, 0), (0.3, 15, -0.5, 0), (0, 5, -0.75, 0.6)]:
        for on_output in (True, False):
            skip, out = (1.0, -2.5) if eta != 0.3 else (0.4, -0.8)
            buffer, steps = MomentumBuffer(momentum), []
            for seed in (3, 4, 5):
                x, u, c = sides(seed)
                to = (lambda v: v) if on_output else (lambda v: skip * x + out * v)
                back = (lambda v: v) if on_output else (lambda v: (v - skip * x) / out)
                guided = back(normalized_guidance(to(c).double(), to(u).double(), 6.0, buffer, eta, norm)).float()
                if phi:
                    guided = rescale_noise_cfg(guided, c, phi)
                steps.append((x, u, c, guided))
            name = f"apg eta {eta} norm {norm} momentum {momentum} rescale {phi} {'output' if on_output else 'x0'}"
            yield case(name, 6.0, steps, skip, out, method="apg", rescale=phi, apg=dict(eta=eta, norm=norm, momentum=momentum, on_output=on_output))


def threshold():
    """diffusers' schedulers threshold the estimate of x0."""
    for ratio in (0.8, 0.995):
        x, u, c = sides(6)
        s = diffusers.DDIMScheduler(thresholding=True, dynamic_thresholding_ratio=ratio, sample_max_value=1e9)
        x0 = x - 2.5 * (u + 5.0 * (c - u))
        yield case(f"threshold {ratio}", 5.0, [(x, u, c, (s._threshold_sample(x0) - x) / -2.5)], threshold=ratio)


def mimic():
    """Each plane about its mean: cut at the percentile, brought to the reach of the lower scale."""
    for percentile, low in ((1.0, 3.0), (0.9, 2.0)):
        x, u, c = (v.double().numpy() for v in sides(7))
        x0 = {s: x - 2.5 * (u + s * (c - u)) for s in (low, 8.0)}
        off = {s: v - v.mean((2, 3), keepdims=True) for s, v in x0.items()}
        to = np.abs(off[low]).max((2, 3), keepdims=True)
        at = np.maximum(np.quantile(np.abs(off[8.0]), percentile, axis=(2, 3), keepdims=True), to)
        y = x0[8.0].mean((2, 3), keepdims=True) + np.clip(off[8.0], -at, at) / at * to
        yield case(f"mimic {low} at {percentile}", 8.0, [(x, u, c, (y - x) / -2.5)], mimic=low, threshold=percentile)


def plus_plus():
    """Algorithm 2 of the paper, DDIM in variance-preserving space, on two normal distributions in float64."""
    sigmas = np.array([10.0, 6, 3, 1.5, 0.7, 0.2, 0])
    alphas = 1 / np.sqrt(1 + sigmas**2)
    mean = np.linspace(-1, 2, 6)
    denoise = lambda x, s, m, c: (x * c**2 + m * s**2) / (c**2 + s**2)
    start = np.linspace(-9, 11, 6)
    runs = []
    for scale in (0.3, 0.6, 1.0):
        z = start * alphas[0]
        states = []
        for a, s, b in zip(alphas[:-1], sigmas[:-1], alphas[1:]):
            eps = {k: (z / a - denoise(z / a, s, *p)) / s for k, p in {"c": (mean, 0.4), "u": (0.0, 1.3)}.items()}
            guided = eps["u"] + scale * (eps["c"] - eps["u"])
            x0 = (z - np.sqrt(1 - a**2) * guided) / a
            z = b * x0 + np.sqrt(1 - b**2) * eps["u"]
            states.append((z / b).tolist())
        runs.append(dict(scale=scale, states=states))
    return dict(sigmas=sigmas.tolist(), start=start.tolist(), mean=mean.tolist(), runs=runs)


if __name__ == "__main__":
    torch.set_num_threads(1)
    OUT.mkdir(exist_ok=True, parents=True)
    cases = [cfg(), *rescale(), *apg(), *threshold(), *mimic()]
    (OUT / "guides.json").write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
    (OUT / "cfgpp.json").write_text(json.dumps(plus_plus()) + "\n")
