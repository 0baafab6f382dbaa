"""Whole pictures as AUTOMATIC1111's web UI and ComfyUI make them of the golden model a: prompts, seeds, schedules, samplers, the last step, and
what becomes of a picture to start from.

    python program_pictures.py ../testdata/a ../testdata/programs

The programs' rules are written down here; their samplers are k-diffusion's own functions, or formulas of web_sampler_refs.py, and the networks are
diffusers' and transformers'. A case is the options of easel that ask for it. Latents are those after the last step, rows every fourth row of the
last picture and pixels what is saved of it.
"""
import argparse
import functools
import inspect
import json
import pathlib
import warnings

import k_diffusion as K
import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

import models
import named_schedule_refs as N
import web_sampler_refs as W
from named_schedule_refs import first_scale, named
from prompt_refs import Texts

WIDTH, HEIGHT = 48, 40
LCM = [20 * i + 19 for i in range(50)]  # timesteps of a consistency model
SAMPLERS = dict(euler_a="euler_ancestral", dpm_2_a="dpm_2_ancestral", dpmpp_2s_a="dpmpp_2s_ancestral", dpmpp_2m_sde_heun="dpmpp_2m_sde", ddim="euler")
BROWNIAN = ("dpmpp_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde")


def draws(seeds):
    """A generator for each picture; each draws one picture's noise a time."""
    while True:
        yield torch.stack([torch.randn((4, HEIGHT // 8, WIDTH // 8), generator=g) for g in seeds])


def generators(*seeds):
    return [torch.Generator().manual_seed(s) for s in seeds]


class Hijack:
    """torch, as k-diffusion sees it, with noise of one's own."""
    def __init__(self, noise):
        self.noise = noise

    def __getattr__(self, name):
        return (lambda x: next(self.noise)) if name == "randn_like" else getattr(torch, name)


class Network:
    """The UNet under guidance, told a timestep."""
    def __init__(self, pipe, texts, case):
        self.unet, self.cfg = pipe.unet, case.get("cfg_scale", 5)
        syntax, negative = case["prompt_syntax"], case.get("negative_prompt", "")
        self.sides = [texts.embed(syntax, t) for t in (negative, case["prompt"])]
        if syntax == "a1111" and negative == "":
            self.sides[0] = tuple(torch.zeros_like(v) for v in self.sides[0])
        self.ids = torch.tensor([[HEIGHT, WIDTH, 0, 0, HEIGHT, WIDTH]], dtype=torch.float32)

    def __call__(self, x, time):
        """The noise in x, which has a variance of 1 or so."""
        n = len(x)
        u, c = (self.unet(x, time, encoder_hidden_states=context.expand(n, -1, -1), added_cond_kwargs=dict(text_embeds=pooled.expand(n, -1), time_ids=self.ids.expand(n, -1))).sample
                for context, pooled in self.sides)
        return u + self.cfg * (c - u)


def denoiser(network, case):
    """The estimate of x0 from x0 + sigma noise, as k-diffusion's samplers ask for it."""
    logs = torch.from_numpy(N.LOGS)
    told = K.external.DiscreteSchedule(torch.from_numpy(N.TRAIN).float(), quantize=False)

    def model(x, sigma, **_):
        s = sigma[:1]
        if case["dialect"] == "comfy":
            time = (s.float().log() - logs).abs().argmin()
        elif case["sampler"] == "lcm":
            time = torch.tensor(LCM[int((s.log() - logs[LCM]).abs().argmin())])
        else:
            time = told.sigma_to_t(s.float())
        return x - s * network((x / (s**2 + 1) ** .5).float(), time)
    return model


def slerp(share, a, b):
    """Spherical, by columns, as the web UI mixes the noise of a variation."""
    an, bn = a / a.norm(dim=1, keepdim=True), b / b.norm(dim=1, keepdim=True)
    dot = (an * bn).sum(1)
    angle = dot.acos()
    return ((1 - share) * angle).sin().div(angle.sin()).unsqueeze(1) * a + (share * angle).sin().div(angle.sin()).unsqueeze(1) * b


def lcm_levels(n):
    logs = N.LOGS[LCM]
    t = np.linspace(49, 0, n)
    return np.append(np.exp(np.interp(t, np.arange(50), logs)), 0)


def schedule(case, steps):
    """The noise levels of a number of steps."""
    web, sampler = case["dialect"] == "a1111", case["sampler"]
    drops = sampler in (("dpm_2", "dpm_2_a", "dpmpp_3m_sde") if web else ("dpm_2", "dpm_2_a", "uni_pc", "uni_pc_bh2"))
    if web and sampler == "lcm":
        return torch.tensor(lcm_levels(steps), dtype=torch.float32)
    levels = torch.tensor(np.array(named(steps + drops, web)[case["levels"]], dtype=np.float32))
    return torch.cat([levels[:-2], levels[-1:]]) if drops else levels


def options(case):
    more = {k: case[k] for k in ("eta", "s_noise") if k in case}
    if "s_churn" in case:
        more |= dict(s_churn=case["s_churn"]["amount"], s_tmin=case["s_churn"].get("min", 0), s_tmax=case["s_churn"].get("max", float("inf")))
    if case["sampler"] == "dpmpp_2m_sde_heun":
        more["solver_type"] = "heun"
    return more


def lcm(model, x, sigmas, noise_sampler, **_):
    for s, to in zip(sigmas, sigmas[1:]):
        x = model(x, s.expand(len(x)))
        if to > 0:
            x = x + to * noise_sampler(s, to)
    return x


def sample(case, model, x, sigmas, tree, noise, steps):
    """k-diffusion's sampler of a name."""
    name, more = case["sampler"], options(case)
    K.sampling.torch = Hijack(noise)
    try:
        if name == "lcm":
            return lcm(model, x, sigmas, tree)
        f = getattr(K.sampling, f"sample_{SAMPLERS.get(name, name)}")
        if "noise_sampler" in inspect.signature(f).parameters:
            more["noise_sampler"] = tree
        if name in ("dpm_fast", "dpm_adaptive"):
            if name == "dpm_adaptive":  # which steps it takes hangs on the last digits
                x, sigmas = x.double(), sigmas.double()
            lowest = torch.tensor(N.TRAIN[0], dtype=torch.float32) if case["dialect"] == "a1111" else sigmas[-2] if sigmas[-1] == 0 else sigmas[-1]
            return f(model, x, lowest, sigmas[0], disable=True, **({"n": steps} if name == "dpm_fast" else {}), **more)
        return f(model, x, sigmas, disable=True, **more)
    finally:
        K.sampling.torch = torch


def web(case, network, image):
    """AUTOMATIC1111's: a seed for each picture, noise times sigma, DDIM, PLMS and UniPC by timesteps of their own."""
    steps, batch, strength = case["steps"], case.get("batch", 1), case.get("strength") if image is not None else None
    seeds = [case["seed"]] * batch if "variation" in case else [case["seed"] + i for i in range(batch)]
    gens = generators(*seeds)
    noise = draws(gens)
    first = next(noise)
    if "variation" in case:
        other = next(draws(generators(*(case["variation"]["seed"] + i for i in range(batch)))))
        first = torch.stack([slerp(case["variation"]["strength"], a, b) for a, b in zip(first, other)])
    if "ensd" in case:
        noise = draws(generators(*(s + case["ensd"] for s in seeds)))
    if case["sampler"] in ("ddim", "plms", "uni_pc"):
        def begin():
            yield first.double().numpy()
            while True:
                yield next(noise).double().numpy()
        W.noises = begin
        W.predict = lambda latents, time: network(torch.from_numpy(latents).float(), torch.tensor(time)).double().numpy()
        W.IMAGE = None if image is None else image.double().numpy()
        f = dict(ddim=functools.partial(W.web_ddim, eta=case.get("eta", 0.0)), plms=W.web_plms, uni_pc=W.web_unipc)[case["sampler"]]
        states, _ = f(steps, strength)
        a = W.A[0] if case["sampler"] == "uni_pc" else W.A[1]  # UniPC ends at the first timestep
        return torch.from_numpy(states[-1].reshape(first.shape) * np.sqrt(a)).float()
    whole = sigmas = schedule(case, steps)
    if strength is not None:
        sigmas = whole[steps - int(min(strength, .999) * steps) - 1:]
    tree = lambda *_: next(noise)
    if case["sampler"] in BROWNIAN:
        tree = K.sampling.BrownianTreeNoiseSampler(first, whole[whole > 0].min(), whole.max(), seed=seeds)
    x = first * sigmas[0] + (0 if image is None else image)
    return sample(case, denoiser(network, case), x, sigmas, tree, noise, steps)


def comfy(case, network, image):
    """ComfyUI's: one generator for all pictures, another for the noise of steps, and the last steps of a longer schedule for a picture."""
    steps, batch, strength = case["steps"], case.get("batch", 1), case.get("strength", 1) if image is not None else 1
    shape = (batch, 4, HEIGHT // 8, WIDTH // 8)
    first = torch.randn(shape, generator=torch.Generator().manual_seed(case["seed"]))
    after = torch.Generator().manual_seed(case["seed"] + 1)
    noise = iter(lambda: torch.randn(shape, generator=after), None)
    sigmas = schedule(case, steps) if strength > .9999 else schedule(case, int(steps / strength))[-(steps + 1):]
    x = first * first_scale("comfy", float(sigmas[0])) + (0 if image is None else image)
    model = denoiser(network, case)
    if case["sampler"].startswith("uni_pc"):
        W.predict = lambda latents, time: network(torch.from_numpy(latents).float(), torch.tensor(time)).double().numpy()
        levels = np.append(sigmas[:-1].double().numpy(), .001)
        times = [int(np.argmin(np.abs(N.LOGS - np.float32(np.log(s))))) for s in levels[:-1]]
        states = W.unipc(x.double().numpy(), levels, times, case["sampler"] == "uni_pc_bh2")
        return torch.from_numpy(states[-1].reshape(shape)).float()
    tree = lambda *_: next(noise)
    if case["sampler"] in BROWNIAN:
        tree = K.sampling.BrownianTreeNoiseSampler(first, sigmas[sigmas > 0].min(), sigmas.max(), seed=case["seed"])
    return sample(case, model, x, sigmas, tree, noise, steps)


def a(sampler, levels, **more):
    return dict(dict(dialect="a1111", prompt_syntax="a1111", sampler=sampler, levels=levels, steps=6, seed=11, prompt="a (red:1.3) circle above a [blue] square",
                     negative_prompt="a moon", cfg_scale=4), **more)


def c(sampler, levels, **more):
    return a(sampler, levels, **{"dialect": "comfy", "prompt_syntax": "comfy", "schedule": levels, "prompt": "a (red:1.3) circle above a (blue) square"} | more)


CASES = [
    # Labels of the web UI, and its automatic schedules.
    a("euler_a", "normal", label="Euler a", negative_prompt="", batch=2, eta=1.0), a("euler", "normal", label="Euler", clip_skip=2),
    a("dpmpp_2m", "karras", label="DPM++ 2M Karras", seed=3, batch=2), a("dpmpp_2m", "karras", label="DPM++ 2M"), a("dpmpp_sde", "karras", label="DPM++ SDE", noise="brownian", batch=2),
    a("dpmpp_2m_sde", "exponential", label="DPM++ 2M SDE", noise="brownian"), a("dpmpp_2m_sde_heun", "karras", label="DPM++ 2M SDE Heun Karras", noise="brownian"),
    a("dpmpp_3m_sde", "exponential", label="DPM++ 3M SDE", noise="brownian"), a("dpmpp_2s_a", "karras", label="DPM++ 2S a", steps=4), a("heun", "normal", label="Heun", steps=4),
    a("lms", "normal", label="LMS"), a("dpm_2", "karras", label="DPM2", steps=4), a("dpm_2_a", "karras", label="DPM2 a Karras", steps=4), a("dpm_fast", "normal", label="DPM fast", steps=7),
    a("dpm_adaptive", "normal", label="DPM adaptive"), a("lcm", "normal", label="LCM", steps=5), a("ddim", "normal", label="DDIM", steps=8), a("ddim", "normal", label="DDIM", eta=.6, batch=2),
    a("plms", "normal", label="PLMS", steps=8), a("uni_pc", "normal", label="UniPC", steps=8),
    *(a("euler", n, label="Euler", schedule=s) for n, s in (("sgm_uniform", "SGM Uniform"), ("kl_optimal", "KL Optimal"), ("align_your_steps", "Align Your Steps"), ("simple", "Simple"),
                                                           ("ddim_uniform", "DDIM"), ("beta", "Beta"), ("polyexponential", "Polyexponential"))),
    a("euler", "karras", label="Euler", schedule="Karras", s_churn=dict(amount=4.0, min=.1, max=9.0), s_noise=1.02),
    a("euler_a", "normal", label="Euler a", ensd=31337, eta=.7, batch=2), a("euler_a", "normal", label="Euler a", variation=dict(seed=90, strength=.3), batch=2),
    a("dpmpp_sde", "karras", label="DPM++ SDE Karras", noise="brownian", ensd=31337),
    # From a picture.
    a("euler", "normal", label="Euler", strength=.6), a("euler_a", "normal", label="Euler a", strength=.75, batch=2), a("dpmpp_2m", "karras", label="DPM++ 2M Karras", strength=.5, steps=9),
    a("dpmpp_sde", "karras", label="DPM++ SDE", noise="brownian", strength=.4, steps=9), a("ddim", "normal", label="DDIM", strength=.5, steps=9),
    a("plms", "normal", label="PLMS", strength=.6, steps=9), a("uni_pc", "normal", label="UniPC", strength=.7, steps=9), a("euler", "normal", label="Euler", strength=1.0),
    a("dpm_2", "karras", label="DPM2 Karras", strength=.7, steps=5), a("lcm", "normal", label="LCM", strength=.6, steps=5),
    # ComfyUI.
    c("euler", "normal"), c("euler", "normal", negative_prompt=""), c("euler_a", "karras", batch=2, label="euler_ancestral"), c("dpmpp_2m", "karras"), c("dpmpp_2m", "sgm_uniform"),
    c("dpmpp_2s_a", "simple", label="dpmpp_2s_ancestral", steps=4), c("dpmpp_sde", "karras", noise="brownian", batch=2), c("dpmpp_2m_sde", "exponential", noise="brownian"),
    c("dpmpp_3m_sde", "beta", noise="brownian"), c("ddim", "ddim_uniform", steps=7), c("uni_pc", "normal"), c("uni_pc_bh2", "simple"), c("lcm", "sgm_uniform", steps=4),
    c("heun", "kl_optimal", steps=4), c("dpm_2", "normal", steps=4), c("dpm_2_a", "exponential", label="dpm_2_ancestral", steps=4), c("lms", "linear_quadratic"), c("dpm_fast", "karras", steps=7),
    c("dpm_adaptive", "normal"), c("euler", "align_your_steps", steps=8),
    c("euler", "normal", strength=.6), c("euler_a", "simple", label="euler_ancestral", strength=.75, batch=2), c("dpmpp_2m", "karras", strength=.35), c("dpmpp_2m", "beta", strength=1.0),
    c("dpmpp_2m_sde", "karras", noise="brownian", strength=.5), c("uni_pc", "karras", strength=.5), c("ddim", "ddim_uniform", strength=.5),
]


@torch.no_grad()
def write(pipe, picture, out):
    texts, tensors, index = Texts(pipe), {}, []
    pixels = np.asarray(Image.open(picture).convert("RGB").resize((WIDTH, HEIGHT), Image.LANCZOS), dtype=np.float32) / 255
    given = pipe.vae.encode(torch.from_numpy(pixels * 2 - 1).permute(2, 0, 1)[None]).latent_dist.mean * pipe.vae.config.scaling_factor
    for case in CASES:
        N.use(case["dialect"])
        latents = dict(a1111=web, comfy=comfy)[case["dialect"]](case, Network(pipe, texts, case), given if "strength" in case else None).float()
        image = pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample
        name = f"{len(index):03d}"
        tensors[f"{name}.latents"], tensors[f"{name}.rows"] = latents.contiguous(), image[-1, :, ::4].contiguous()
        tensors[f"{name}.pixels"] = (255 * ((image[-1] + 1) / 2).clamp(0, 1)).permute(1, 2, 0).to(torch.uint8).contiguous()  # which cuts off
        case = {k: v for k, v in case.items() if k not in ("levels", "label")} | dict(sampler=case.get("label", case["sampler"]), width=WIDTH, height=HEIGHT)
        index.append(dict(name=name, picture="strength" in case, options=case))
    out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out / "programs.safetensors")
    (out / "programs.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in index) + "\n]\n")


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("model", type=pathlib.Path, help="the folder that holds model and pictures")
    args.add_argument("out", type=pathlib.Path)
    opts = args.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    write(models.load(opts.model / "model"), opts.model / "pictures" / "input.png", opts.out)
