"""Draws held-out captions with an exported model folder or a training run and lets the judge score them.

    python score.py --model FOLDER [--cfg 5] [--steps 20] [--seen]
"""
import argparse
import os

import numpy as np
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file

import judge
import models
from bpe import Encoder
from bundle import Bundle, sample

CHUNK = 50


def load_model(run, folder=None):
    """-> bundle, VAE: of a model folder, else the averaged weights of a run."""
    if folder:
        bundle = Bundle(Encoder(os.path.join(folder, "tokenizer")))
        for name, file in (("text_encoder", "model"), ("text_encoder_2", "model"), ("unet", "diffusion_pytorch_model")):
            getattr(bundle, name).load_state_dict(load_file(os.path.join(folder, name, file + ".safetensors")), strict=True)
        vae = AutoencoderKL.from_pretrained(os.path.join(folder, "vae"))
    else:
        bundle = Bundle(Encoder(run))
        torch.nn.utils.vector_to_parameters(torch.load(os.path.join(run, "unet_ema.pt"))["ema"].float(), bundle.parameters())
        vae = AutoencoderKL.from_pretrained(os.path.join(run, "vae"))
    return bundle.float().eval(), vae.float().eval()


@torch.no_grad()
def draw(bundle, vae, captions, negative=None, **options):
    """uint8 pictures of the captions."""
    out = []
    for i in range(0, len(captions), CHUNK):
        z = sample(bundle, captions[i:i + CHUNK], negative=negative and negative[i:i + CHUNK], **{**options, "seed": options.get("seed", 0) + i})
        out.append(models.to_pixels(vae.decode(z).sample))
    return np.concatenate(out)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", help="a training run: its averaged weights")
    p.add_argument("--model", help="an exported model folder")
    p.add_argument("--cfg", type=float, default=5.0)
    p.add_argument("--steps", type=int, default=20)
    p.add_argument("--seen", action="store_true", help="combinations of the training set instead of held-out ones")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--share", type=float, default=1.0, help="share of the prompts")
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    counts = [int(a.share * n) for n in (50, 40, 70, 40, 20)]
    specs, captions = zip(*judge.prompts(counts=counts, held_out=not a.seen))
    images = draw(*load_model(a.run, a.model), list(captions), cfg=a.cfg, steps=a.steps, seed=a.seed)
    print(judge.table(specs, images))


if __name__ == "__main__":
    main()
