"""Shows that easel and PyTorch compute the same of one model: python check.py --easel ./easel --model FOLDER

Prints the root mean square of the difference over that of PyTorch's result in f32, for the UNet and the VAE's decoder."""
import argparse
import pathlib
import subprocess
import tempfile

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file


def unet(folder, size):
    model = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", torch_dtype=torch.float32, low_cpu_mem_usage=True).eval()
    c = model.config
    width = c.cross_attention_dim if isinstance(c.cross_attention_dim, int) else c.cross_attention_dim[0]
    x = {"sample": torch.randn(2, 4, size // 8, size // 8), "timestep": torch.tensor([500.0]),
         "encoder_hidden_states": torch.randn(2, 77, width),
         "text_embeds": torch.randn(2, c.projection_class_embeddings_input_dim - 6 * c.addition_time_embed_dim),
         "time_ids": torch.tensor([[1024.0, 1024, 0, 0, 1024, 1024]] * 2)}
    out = model(x["sample"], x["timestep"], x["encoder_hidden_states"],
                added_cond_kwargs={"text_embeds": x["text_embeds"], "time_ids": x["time_ids"]}).sample
    return x, "out", out


def decoder(folder, size):
    model = AutoencoderKL.from_pretrained(folder, subfolder="vae", torch_dtype=torch.float32, low_cpu_mem_usage=True).eval()
    x = {"latents": torch.randn(1, 4, size // 8, size // 8)}
    return x, "image", model.decode(x["latents"]).sample


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--easel", default="easel")
    p.add_argument("--model", required=True)
    p.add_argument("--size", type=int, default=256)
    p.add_argument("--dtype", help="easel's arithmetic")
    o = p.parse_args()
    torch.manual_seed(1)
    for graph, network in (("unet", unet), ("vae-decoder", decoder)):
        with torch.inference_mode(), tempfile.TemporaryDirectory() as folder:
            x, name, want = network(o.model, o.size)
            given, got = pathlib.Path(folder, "in.safetensors"), pathlib.Path(folder, "out.safetensors")
            save_file(x, given)
            subprocess.run([o.easel, "run", graph, "-m", o.model, "--in", given, "--out", got, *(["--dtype", o.dtype] if o.dtype else [])], check=True)
            d = load_file(got)[name] - want
            print(f"{graph}: {(d.square().mean() / want.square().mean()).sqrt():.2e}")
