"""Latents of diffusers' perturbed-attention guidance with the golden model a:

    python pag_refs.py ../testdata/a/model ../testdata/pag
"""
import argparse
import json
import pathlib

import torch
from diffusers import StableDiffusionXLPAGPipeline
from safetensors.torch import save_file

CASES = [
    dict(name="mid", layers=["mid"], scale=3.0, cfg=5.0, steps=4, seed=1, width=64, height=64),
    dict(name="down-up", layers=["down_blocks.2", "up_blocks.1.attentions.0"], scale=1.5, cfg=4.0, steps=3, seed=2, width=72, height=56, negative="a moon"),
    dict(name="no-cfg", layers=["mid"], scale=2.0, cfg=1.0, steps=3, seed=3, width=64, height=64),
    dict(name="batch-rescaled", layers=["mid_block", "up"], scale=2.0, cfg=6.0, steps=3, seed=4, width=40, height=64, batch=2),
]

if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("model", type=pathlib.Path)
    args.add_argument("out", type=pathlib.Path)
    a = args.parse_args()
    torch.set_num_threads(1)
    tensors = {}
    for c in CASES:
        pipe = StableDiffusionXLPAGPipeline.from_pretrained(a.model, dtype=torch.float32, add_watermarker=False, pag_applied_layers=c["layers"])
        pipe.set_progress_bar_config(disable=True)
        tensors[c["name"]] = pipe("a red circle", negative_prompt=c.get("negative"), num_inference_steps=c["steps"], guidance_scale=c["cfg"], pag_scale=c["scale"],
                                  num_images_per_prompt=c.get("batch", 1), width=c["width"], height=c["height"],
                                  generator=torch.Generator().manual_seed(c["seed"]), output_type="latent").images
    a.out.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in tensors.items()}, a.out / "pag.safetensors")
    (a.out / "pag.json").write_text(json.dumps(CASES, indent=1) + "\n")
