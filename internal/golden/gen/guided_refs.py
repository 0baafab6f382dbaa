"""Latents of whole pictures under FreeU, self-attention guidance, adaptive projected guidance and the first-block cache:

    python guided_refs.py ../testdata ../testdata/guided [--seed N]

FreeU is the pipeline's own. SAG's formulas are those of diffusers' StableDiffusionSAGPipeline, which is for Stable Diffusion 1, called with the
attention of this UNet's middle; APG is its guider. Both stand in for the UNet, so that the pipeline's guidance ends with what they give.
"""
import argparse
import contextlib
import json
import pathlib
import types

import torch
from diffusers import AdaptiveProjectedGuidance, DDIMScheduler
from diffusers.guiders.adaptive_projected_guidance import MomentumBuffer, normalized_guidance
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput
from diffusers.pipelines.deprecated.stable_diffusion_sag.pipeline_stable_diffusion_sag import CrossAttnStoreProcessor, StableDiffusionSAGPipeline
from safetensors.torch import save_file

import firstblock
import models

FREEU = dict(b1=1.3, b2=1.4, s1=0.9, s2=0.2)
CASES = [
    dict(name="freeu", freeu=FREEU, steps=4, seed=1, cfg=5.0, width=64, height=64),
    dict(name="freeu-odd", model="b", freeu=dict(b1=1.1, b2=0.8, s1=0.5, s2=1.6), steps=3, seed=2, cfg=4.0, width=72, height=40, batch=2, negative="a moon"),
    dict(name="freeu-no-cfg", freeu=FREEU, steps=3, seed=3, cfg=1.0, width=40, height=56),
    dict(name="sag", sag=0.75, steps=4, seed=4, cfg=5.0, width=64, height=64),
    dict(name="sag-odd", model="b", sag=1.5, steps=3, seed=5, cfg=4.0, width=72, height=56, batch=2, negative="a moon", sampler="euler", schedule="normal"),
    dict(name="sag-no-cfg", sag=2.0, steps=3, seed=6, cfg=1.0, width=88, height=64),
    dict(name="sag-freeu", sag=1.0, freeu=FREEU, steps=3, seed=7, cfg=6.0, width=64, height=48),
    dict(name="apg", apg=dict(eta=0.0, norm=3.0, momentum=-0.5, on_output=True), steps=4, seed=8, cfg=10.0, width=64, height=48, batch=2),
    dict(name="apg-x0", apg=dict(eta=0.2, norm=15.0, momentum=-0.75), steps=4, seed=9, cfg=8.0, width=48, height=64),
    dict(name="first-block", cache="first-block:0.3", steps=8, seed=10, cfg=5.0, width=64, height=64),
    dict(name="first-block-batch", model="b", cache="first-block:0.5", steps=8, seed=11, cfg=3.0, width=56, height=40, batch=2, sampler="euler", schedule="normal"),
]


@contextlib.contextmanager
def instead(unet, forward):
    """Lets forward(whole, sample, t, context, added) stand for the UNet."""
    whole = unet.forward

    def call(sample, t, encoder_hidden_states, added_cond_kwargs, return_dict=True, **_):
        y = forward(lambda s, c, a: whole(s, t, c, added_cond_kwargs=a, return_dict=False)[0], sample, t, encoder_hidden_states, added_cond_kwargs)
        return UNet2DConditionOutput(y) if return_dict else (y,)
    unet.forward = call
    try:
        yield
    finally:
        unet.forward = whole


class SAG:
    """What the network is given, x/sqrt(1+sigma^2), is the variance-preserving state that the pipeline's formulas are for."""

    def __init__(self, pipe, scale, guided):
        self.scale, self.guided, self.masked, self.margin = scale, guided, [], []
        self.scheduler = DDIMScheduler.from_config(pipe.scheduler.config)
        self.unet = pipe.unet
        mid = pipe.unet.mid_block.attentions[0]
        self.store = CrossAttnStoreProcessor()
        mid.transformer_blocks[0].attn1.processor = self.store
        self.hook = mid.register_forward_hook(lambda m, a, out: setattr(self, "size", out[0].shape[-2:]))

    def __call__(self, whole, sample, t, context, added):
        y = whole(sample, context, added)
        sides = 2 if self.guided else 1
        y0, x = y.chunk(sides)[0], sample.chunk(sides)[0]
        n = len(x)
        t = torch.as_tensor(int(t))
        p = StableDiffusionSAGPipeline
        attention = self.store.attention_probs.chunk(sides)[0]
        heads = attention.shape[0] // n
        config = types.SimpleNamespace(attention_head_dim=heads)
        me = types.SimpleNamespace(unet=types.SimpleNamespace(config=config), scheduler=self.scheduler)
        received = attention.reshape(n, heads, *attention.shape[1:]).mean(1).sum(1)
        self.masked.append((received > 1).float().mean().item())
        self.margin.append((received - 1).abs().min().item())
        worse = p.sag_masking(me, p.pred_x0(me, x, y0, t), attention, self.size, t, p.pred_epsilon(me, x, y0, t))
        delta = self.scale * (y0 - whole(worse, context[:n], {k: v[:n] for k, v in added.items()}))
        return y + torch.cat([delta] * sides)


class APG:
    def __init__(self, scheduler, scale, eta, norm, momentum, on_output=False):
        self.alphas, self.scale, self.on_output = scheduler.alphas_cumprod, scale, on_output
        self.guider = AdaptiveProjectedGuidance(guidance_scale=scale, adaptive_projected_guidance_momentum=momentum,
                                                adaptive_projected_guidance_rescale=norm, eta=eta)
        self.guider.momentum_buffer = MomentumBuffer(momentum)
        self.options = dict(eta=eta, norm_threshold=norm)

    def __call__(self, whole, sample, t, context, added):
        u, c = whole(sample, context, added).chunk(2)
        if self.on_output:
            y = self.guider.forward(c, u).pred
        else:
            a = self.alphas[int(t)]
            x = sample.chunk(2)[0]
            to = lambda v: (x - (1 - a).sqrt() * v) / a.sqrt()
            x0 = normalized_guidance(to(c), to(u), self.scale, self.guider.momentum_buffer, **self.options)
            y = (x - a.sqrt() * x0) / (1 - a).sqrt()
        return torch.cat([y, y])


def run(folder, c):
    pipe = models.load(folder)
    if "sampler" in c:
        pipe.scheduler = models.SCHEDULERS[c["sampler"]].from_config(pipe.scheduler.config, use_karras_sigmas=c["schedule"] == "karras")
    if "freeu" in c:
        pipe.enable_freeu(**c["freeu"])
    around = contextlib.nullcontext()
    if "sag" in c:
        sag = SAG(pipe, c["sag"], c["cfg"] > 1)
        around = instead(pipe.unet, sag)
    elif "apg" in c:
        around = instead(pipe.unet, APG(pipe.scheduler, c["cfg"], **c["apg"]))
    elif "cache" in c:
        around = firstblock.use(pipe.unet, float(c["cache"].split(":")[1]))
    with around as it:
        latents = pipe("a red circle", negative_prompt=c.get("negative"), num_inference_steps=c["steps"], guidance_scale=c["cfg"],
                       num_images_per_prompt=c.get("batch", 1), width=c["width"], height=c["height"],
                       generator=torch.Generator().manual_seed(c["seed"]), output_type="latent").images
    if "sag" in c:
        print(c["name"], "blurred", sag.masked, "least distance from the mean", min(sag.margin))
    if "cache" in c:
        print(c["name"], "whole calls", it.runs)
    return latents


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("models", type=pathlib.Path)
    args.add_argument("out", type=pathlib.Path)
    args.add_argument("--seed", type=int, default=0, help="added to every case's")
    a = args.parse_args()
    torch.set_num_threads(1)
    cases = [dict(c, model=c.get("model", "a"), seed=c["seed"] + a.seed) for c in CASES]
    tensors = {c["name"]: run(a.models / c["model"] / "model", c) for c in cases}
    a.out.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in tensors.items()}, a.out / "guided.safetensors")
    (a.out / "guided.json").write_text(json.dumps(cases, indent=1) + "\n")
