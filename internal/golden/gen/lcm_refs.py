"""A UNet that takes the guidance scale, as latent consistency models have, and latents of diffusers' pipeline with it and LCMScheduler in place of model c's:

    python lcm_refs.py ../testdata/c/model ../testdata/lcm

unet.json.gz is as in pruned_refs.py, with the scheduler's configuration; latents.safetensors has the latents after each step by guidance scale.
"""
import argparse
import gzip
import json
import pathlib

import torch
from diffusers import LCMScheduler, UNet2DConditionModel
from safetensors.torch import save_file

import hashed
import models
from pruned_refs import single

if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("model", type=pathlib.Path)
    args.add_argument("out", type=pathlib.Path)
    a = args.parse_args()
    torch.set_num_threads(1)
    a.out.mkdir(parents=True, exist_ok=True)
    pipe = models.load(a.model)
    pipe.unet = hashed.fill(UNet2DConditionModel(
        sample_size=8, block_out_channels=(32, 64), attention_head_dim=[1, 1], layers_per_block=1, transformer_layers_per_block=[1, 1], use_linear_projection=True,
        cross_attention_dim=pipe.text_encoder.config.hidden_size + pipe.text_encoder_2.config.hidden_size, time_cond_proj_dim=37,
        addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=pipe.text_encoder_2.config.projection_dim + 6 * 256,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D")))
    pipe.scheduler = LCMScheduler.from_config(pipe.scheduler.config)
    found = {}
    for scale in (1.0, 8.0):
        steps = []
        pipe("a red circle", num_inference_steps=4, guidance_scale=scale, width=64, height=64, generator=torch.Generator().manual_seed(12), output_type="latent",
             callback_on_step_end=lambda p, i, t, kept: steps.append(kept["latents"].clone()) or kept)
        found[f"{scale:g}"] = torch.stack(steps)
    assert not torch.allclose(found["1"], found["8"], rtol=0.01)
    text = json.dumps({"config": json.loads(pipe.unet.to_json_string()), "scheduler": json.loads(pipe.scheduler.to_json_string()), "tensors": list(single(pipe.unet))},
                      separators=(",", ":"))
    (a.out / "unet.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    save_file(found, a.out / "latents.safetensors")
