"""UNets pruned as SSD-1B, Segmind Vega and KOALA are, in tiny, and latents of diffusers' pipeline with each in place of model c's UNet:

    python pruned_refs.py ../testdata/c/model ../testdata/pruned

NAME.json.gz holds the configuration and for each parameter its name in diffusers, its name in an original single file and its shape; the
values are those of hashed.py. The structures are those of the published configurations.
"""
import argparse
import gzip
import json
import pathlib

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file

import hashed
import models
from single_file import RESNET

RUN = dict(prompt="a red circle", negative_prompt="a moon", num_inference_steps=3, guidance_scale=4.0, width=64, height=64)
SEED = 11
STRUCTURES = {
    "ssd-1b": dict(layers_per_block=2, transformer_layers_per_block=[1, [2, 2], [4, 4]], reverse_transformer_layers_per_block=[[4, 4, 10], [2, 1, 1], 1],
                   mid_block_type="UNetMidBlock2D"),
    "vega": dict(layers_per_block=2, transformer_layers_per_block=[1, [1, 1], [2, 2]], reverse_transformer_layers_per_block=[[2, 2, 2], [1, 1, 1], 1],
                 mid_block_type="UNetMidBlock2D"),
    "koala-700m": dict(layers_per_block=1, transformer_layers_per_block=[0, 2, 5], mid_block_type=None),
    "koala-1b": dict(layers_per_block=1, transformer_layers_per_block=[0, 2, 6]),
    "uneven": dict(layers_per_block=[1, 2, 1], transformer_layers_per_block=[1, 2, 1]),
}


def single(unet):
    """The parameters' names in the original layout, where blocks are numbered in the order of execution."""
    table = {"conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
             "time_embedding.cond_proj": "time_embed.cond_proj",
             "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2", "conv_norm_out": "out.0", "conv_out": "out.2",
             "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1", "mid_block.resnets.1": "middle_block.2"}
    n = 1
    for i, block in enumerate(unet.down_blocks):
        for j in range(len(block.resnets)):
            table |= {f"down_blocks.{i}.resnets.{j}": f"input_blocks.{n}.0", f"down_blocks.{i}.attentions.{j}": f"input_blocks.{n}.1"}
            n += 1
        if block.downsamplers:
            table[f"down_blocks.{i}.downsamplers.0.conv"] = f"input_blocks.{n}.0.op"
            n += 1
    n = 0
    for i, block in enumerate(unet.up_blocks):
        for j in range(len(block.resnets)):
            table |= {f"up_blocks.{i}.resnets.{j}": f"output_blocks.{n}.0", f"up_blocks.{i}.attentions.{j}": f"output_blocks.{n}.1"}
            n += 1
        table[f"up_blocks.{i}.upsamplers.0.conv"] = f"output_blocks.{n - 1}.{2 if hasattr(block, 'attentions') else 1}.conv"
    for name, t in unet.state_dict().items():
        start = max((s for s in table if name.startswith(s + ".")), key=len)
        rest = name[len(start):]
        if "resnets" in start:
            for a, b in RESNET:
                rest = rest.replace(f".{a}.", f".{b}.")
        yield name, table[start] + rest, list(t.shape)


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("model", type=pathlib.Path)
    args.add_argument("out", type=pathlib.Path)
    a = args.parse_args()
    torch.set_num_threads(1)
    a.out.mkdir(parents=True, exist_ok=True)
    pipe = models.load(a.model)
    text = pipe.text_encoder.config.hidden_size + pipe.text_encoder_2.config.hidden_size
    found = {}
    for name, structure in STRUCTURES.items():
        pipe.unet = hashed.fill(UNet2DConditionModel(
            sample_size=8, block_out_channels=(32, 64, 64), attention_head_dim=[1, 1, 1], use_linear_projection=True, cross_attention_dim=text,
            addition_embed_type="text_time", addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=pipe.text_encoder_2.config.projection_dim + 6 * 256,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), **structure))
        steps = []
        pipe(**RUN, generator=torch.Generator().manual_seed(SEED), output_type="latent",
             callback_on_step_end=lambda p, i, t, kept: steps.append(kept["latents"].clone()) or kept)
        found[name] = torch.stack(steps)
        print(name, sum(p.numel() for p in pipe.unet.parameters()), found[name].std().item())
        text_of = json.dumps({"config": json.loads(pipe.unet.to_json_string()), "tensors": list(single(pipe.unet))}, separators=(",", ":"))
        (a.out / f"{name}.json.gz").write_bytes(gzip.compress(text_of.encode(), mtime=0))
    save_file(found, a.out / "latents.safetensors")
