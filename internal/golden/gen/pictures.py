"""Whole pictures by diffusers' pipelines, with everything on the way."""
import json

import numpy as np
import torch
from diffusers import StableDiffusionXLImg2ImgPipeline
from PIL import Image
from safetensors.torch import save_file

import deepcache
from models import SCHEDULERS

CASES = [
    dict(name="default", prompt="a red circle above a blue square", steps=4, seed=42),
    dict(name="euler-linspace", prompt="a lighthouse at dusk", negative="blurry, low quality", steps=5, seed=1, cfg=7.5, sampler="euler", spacing="linspace",
         width=104, height=72),
    dict(name="euler-karras-trailing", prompt="two cats", negative="", steps=5, seed=2**40 + 3, cfg=3.0, sampler="euler", schedule="karras", spacing="trailing",
         width=64, height=96),
    dict(name="ancestral", prompt="an old house", steps=6, seed=7, sampler="euler_a", schedule="normal", width=88, height=64),
    dict(name="dpm", prompt="a bird", steps=6, seed=3, sampler="dpmpp_2m", schedule="normal", spacing="leading", width=64, height=64, batch=2),
    dict(name="dpm-karras", prompt="a star inside a ring", negative="square", steps=8, seed=5, sampler="dpmpp_2m", schedule="karras", width=72, height=56),
    dict(name="dpm-linspace-long", prompt="a moon", steps=16, seed=9, sampler="dpmpp_2m", schedule="normal", spacing="linspace", width=40, height=40),
    dict(name="no-guidance", prompt="a tree", steps=4, seed=11, cfg=1.0, sampler="euler", schedule="normal", width=64, height=64),
    dict(name="sizes", prompt="a portrait", steps=4, seed=13, cfg=4.0, width=64, height=80, original=[512, 384], crop=[16, 48], target=[256, 320]),
    dict(name="negative-sizes", prompt="a portrait", negative="a sketch", steps=3, seed=17, cfg=6.0, width=56, height=40, original=[512, 384], target=[256, 320],
         negative_original=[96, 64], negative_crop=[24, 8], negative_target=[128, 72]),
    dict(name="deepcache", prompt="a red circle", steps=7, seed=31, width=40, height=48, cache="deepcache:3"),
    dict(name="deepcache-branch", prompt="a moon", negative="a house", steps=6, seed=32, cfg=3.0, width=56, height=40, sampler="dpmpp_2m", schedule="karras", batch=2,
         cache="deepcache:2:3"),
    dict(name="rescale", prompt="a night sky", steps=4, seed=19, cfg=9.0, guidance_rescale=0.7, width=40, height=48, batch=2),
    dict(name="img2img-30", prompt="a red star", steps=10, seed=21, strength=0.3, sampler="euler", schedule="normal", image=True),
    dict(name="img2img-80", prompt="a blue heart", negative="green", steps=5, seed=22, strength=0.8, sampler="dpmpp_2m", schedule="karras", image=True),
    dict(name="img2img-100", prompt="a ring", steps=4, seed=23, strength=1.0, sampler="euler_a", schedule="normal", image=True, batch=2),
]


def input_picture(width=72, height=56):
    """A smooth picture with an edge."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    rgb = np.stack([x / (width - 1), y / (height - 1), 0.5 + 0.5 * np.sin(x / 9)], -1)
    rgb[(x - 40) ** 2 + (y - 25) ** 2 < 200] = (0.9, 0.2, 0.1)
    return Image.fromarray((rgb * 255).round().astype(np.uint8))


def scheduler(pipe, base, case):
    """The scheduler that a case asks for, made from the folder's configuration."""
    cls = SCHEDULERS[case["sampler"]] if "sampler" in case else type(base)
    change = {}
    if "schedule" in case:
        change["use_karras_sigmas"] = case["schedule"] == "karras"
    if "spacing" in case:
        change["timestep_spacing"] = case["spacing"]
    return cls.from_config(base.config, **change)


def run(pipe, base, case, picture):
    """Makes one picture; returns the tensors of its trace and the 8-bit pictures."""
    trace, noises = {}, []
    cls = StableDiffusionXLImg2ImgPipeline if case.get("image") else type(pipe)
    p = cls(**pipe.components, add_watermarker=False) if case.get("image") else pipe
    p.set_progress_bar_config(disable=True)
    p.scheduler = scheduler(p, base, case)
    batch = case.get("batch", 1)
    options = dict(prompt=case["prompt"], num_inference_steps=case["steps"], guidance_scale=case.get("cfg", 5.0), num_images_per_prompt=batch,
                   generator=torch.Generator().manual_seed(case["seed"]), output_type="latent")
    if "guidance_rescale" in case:
        options["guidance_rescale"] = case["guidance_rescale"]
    if "negative" in case:
        options["negative_prompt"] = case["negative"]
    if case.get("image"):
        options.update(image=picture, strength=case["strength"])
    else:
        options.update(width=case.get("width"), height=case.get("height"))
    for key, option in (("original", "original_size"), ("target", "target_size"), ("negative_original", "negative_original_size"),
                        ("negative_target", "negative_target_size"), ("negative_crop", "negative_crops_coords_top_left")):
        if key in case:
            options[option] = tuple(reversed(case[key]))  # width, height -> height, width
    if "crop" in case:
        options["crops_coords_top_left"] = tuple(reversed(case["crop"]))

    def keep(_, i, __, k):
        trace[f"latents_{i:03d}"] = k["latents"].clone()
        return k
    randn = torch.randn

    def listen(*args, **kwargs):
        y = randn(*args, **kwargs)
        noises.append(y.clone())
        return y
    torch.randn = listen
    try:
        with deepcache.use(p.unet, case.get("cache")):
            latents = p(**options, callback_on_step_end=keep).images
    finally:
        torch.randn = randn
    trace["noise"] = noises[1 if case.get("image") else 0]  # image-to-image draws the encoder's sample first
    embeds = p.encode_prompt(case["prompt"], num_images_per_prompt=batch, do_classifier_free_guidance=case.get("cfg", 5.0) > 1,
                             negative_prompt=case.get("negative"))
    for name, t in zip(("prompt_embeds", "negative_prompt_embeds", "pooled", "negative_pooled"), embeds):
        if t is not None:
            trace[name] = t[:1]
    steps = sum(k.startswith("latents_") for k in trace)
    trace["sigmas"], trace["timesteps"] = p.scheduler.sigmas[-steps - 1:], p.scheduler.timesteps[-steps:].float()
    trace["latents"] = latents
    with torch.no_grad():
        trace["image"] = p.vae.decode(latents / p.vae.config.scaling_factor).sample
    pictures = p.image_processor.postprocess(trace["image"], output_type="pil")
    return {k: v.detach().clone().contiguous() for k, v in trace.items()}, pictures


@torch.no_grad()
def write(pipe, out, cases=CASES, picture=input_picture()):
    out.mkdir(parents=True, exist_ok=True)
    picture.save(out / "input.png")
    base = pipe.scheduler
    for case in cases:
        trace, pictures = run(pipe, base, case, picture)
        save_file(trace, out / f"{case['name']}.safetensors")
        (out / f"{case['name']}.json").write_text(json.dumps(case, indent=1) + "\n")
        for i, made in enumerate(pictures):
            made.save(out / f"{case['name']}-{i + 1}.png")
    pipe.scheduler = base
