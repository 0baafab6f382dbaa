"""Writes a diffusers folder as an original single-file SDXL checkpoint, and checks it with diffusers' own loader."""
import re

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import save_file

RESNET = [("norm1", "in_layers.0"), ("conv1", "in_layers.2"), ("time_emb_proj", "emb_layers.1"), ("norm2", "out_layers.0"),
          ("conv2", "out_layers.3"), ("conv_shortcut", "skip_connection")]


def unet_keys(unet):
    layers, levels = unet.config.layers_per_block, len(unet.config.block_out_channels)
    attention = [t.startswith("CrossAttn") for t in unet.config.down_block_types]
    table = {"conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
             "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2", "conv_norm_out": "out.0", "conv_out": "out.2",
             "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1", "mid_block.resnets.1": "middle_block.2"}
    for i in range(levels):
        for j in range(layers):
            n = 1 + i * (layers + 1) + j
            table[f"down_blocks.{i}.resnets.{j}"] = f"input_blocks.{n}.0"
            table[f"down_blocks.{i}.attentions.{j}"] = f"input_blocks.{n}.1"
        table[f"down_blocks.{i}.downsamplers.0.conv"] = f"input_blocks.{(i + 1) * (layers + 1)}.0.op"
        up = levels - 1 - i
        for j in range(layers + 1):
            n = up * (layers + 1) + j
            table[f"up_blocks.{up}.resnets.{j}"] = f"output_blocks.{n}.0"
            table[f"up_blocks.{up}.attentions.{j}"] = f"output_blocks.{n}.1"
        last = up * (layers + 1) + layers
        table[f"up_blocks.{up}.upsamplers.0.conv"] = f"output_blocks.{last}.{2 if attention[i] else 1}.conv"
    out = {}
    for key, t in unet.state_dict().items():
        prefix = max((p for p in table if key.startswith(p + ".")), key=len)
        rest = key[len(prefix):]
        if "resnets" in prefix:
            for a, b in RESNET:
                rest = rest.replace(f".{a}.", f".{b}.")
        out["model.diffusion_model." + table[prefix] + rest] = t
    return out


def vae_keys(vae):
    levels, out = len(vae.config.block_out_channels), {}
    for key, t in vae.state_dict().items():
        key = re.sub(r"decoder\.up_blocks\.(\d)", lambda m: f"decoder.up.{levels - 1 - int(m[1])}", key)
        key = re.sub(r"encoder\.down_blocks\.(\d)", r"encoder.down.\1", key)
        for a, b in (("downsamplers.0", "downsample"), ("upsamplers.0", "upsample"), ("mid_block.resnets.0", "mid.block_1"),
                     ("mid_block.resnets.1", "mid.block_2"), ("mid_block.attentions.0", "mid.attn_1"), ("resnets.", "block."),
                     ("conv_shortcut", "nin_shortcut"), ("conv_norm_out", "norm_out"), ("group_norm", "norm")):
            key = key.replace(a, b)
        for a, b in (("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")):
            if f"attn_1.{a}." in key:
                key = key.replace(a, b)
                if key.endswith("weight"):
                    t = t[:, :, None, None]
        out["first_stage_model." + key] = t
    return out


def text_l_keys(model):
    out = {}
    for key, t in model.state_dict().items():
        key = key if key.startswith("text_model.") else "text_model." + key
        out["conditioner.embedders.0.transformer." + key] = t
    out["conditioner.embedders.0.transformer.text_model.embeddings.position_ids"] = torch.arange(77)[None]
    return out


def text_g_keys(model):
    sd = {(k if k.startswith(("text_model.", "text_projection")) else "text_model." + k): t for k, t in model.state_dict().items()}
    out = {"token_embedding.weight": sd["text_model.embeddings.token_embedding.weight"],
           "positional_embedding": sd["text_model.embeddings.position_embedding.weight"],
           "ln_final.weight": sd["text_model.final_layer_norm.weight"], "ln_final.bias": sd["text_model.final_layer_norm.bias"],
           "text_projection": sd["text_projection.weight"].T, "logit_scale": torch.tensor(4.6)}
    for i in range(model.config.num_hidden_layers):
        src, dst = f"text_model.encoder.layers.{i}.", f"transformer.resblocks.{i}."
        for kind in ("weight", "bias"):
            out[dst + "attn.in_proj_" + kind] = torch.cat([sd[f"{src}self_attn.{p}_proj.{kind}"] for p in "qkv"])
            for a, b in (("self_attn.out_proj", "attn.out_proj"), ("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"), ("mlp.fc1", "mlp.c_fc"),
                         ("mlp.fc2", "mlp.c_proj")):
                out[f"{dst}{b}.{kind}"] = sd[f"{src}{a}.{kind}"]
    return {"conditioner.embedders.1.model." + k: t for k, t in out.items()}


def write(pipe, path, config, check_prompt="a red circle"):
    """Writes pipe's weights as fp16 to path and compares what diffusers makes of it."""
    tensors = {**unet_keys(pipe.unet), **vae_keys(pipe.vae), **text_l_keys(pipe.text_encoder), **text_g_keys(pipe.text_encoder_2)}
    save_file({k: (t.half() if t.is_floating_point() else t).contiguous() for k, t in tensors.items()}, path)
    other = StableDiffusionXLPipeline.from_single_file(str(path), config=str(config), dtype=torch.float32, local_files_only=True,
                                                       add_watermarker=False)
    other.set_progress_bar_config(disable=True)
    run = lambda p: p(check_prompt, num_inference_steps=2, generator=torch.Generator().manual_seed(0), output_type="latent").images
    assert torch.equal(run(pipe), run(other)), "the single file does not give the folder's picture"
