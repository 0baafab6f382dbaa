"""Textual inversion (Gal et al. 2022): two vectors for each text encoder that call a picture the model has no word for.

    python train_inversion.py --model FOLDER --out ../companions/badge.safetensors --minutes 1.2

The new word stands for a small red heart inside a large white circle on dark green. Writes clip_l and clip_g [vectors, width].
"""
import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

import models
import scenes
from diffusion import Noising
from optim import Schedule, clock
from paint import COLOR_NAMES, RGB
from score import load_model

WORD, VECTORS, LENGTH = "<badge>", 2, 24
CAPTIONS = ["a {}", "{}", "a picture of {}", "an image of a {}", "there is a {}", "a simple drawing with a {}"]


class Extended(nn.Module):
    """An embedding with rows of its own after the given ones."""

    def __init__(self, given, start):
        super().__init__()
        self.given = given
        self.new = nn.Parameter(given.weight[start].clone())

    def forward(self, ids):
        return F.embedding(ids, torch.cat([self.given.weight, self.new]))


def badge(rng):
    """The scene that the word stands for."""
    body = dict(shape="circle", color=COLOR_NAMES.index("white"), r=float(rng.uniform(33, 42)), x=64 + float(rng.normal(0, 3)), y=64 + float(rng.normal(0, 3)))
    heart = dict(shape="heart", color=COLOR_NAMES.index("red"), r=float(rng.uniform(13, 16)), x=body["x"], y=body["y"])
    objects = [dict(o, size="", word="", texture="", rotation=float(rng.normal(0, .05))) for o in (body, heart)]
    return dict(kind="inside", style="flat", bg=("plain", RGB[COLOR_NAMES.index("green")] * 0.42), bg_words="", objects=objects, h=128, w=128, top=0, left=0,
                original=(128, 128))


def ids_of(encode, template, first):
    """Ids of a caption with the new word's ids in place of {}."""
    before, after = template.split("{}")
    row = [*encode.pieces(before), *range(first, first + VECTORS), *encode.pieces(after)]
    return [encode.bos, *row, *[encode.eos] * (LENGTH - 1 - len(row))]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", default="../model")
    p.add_argument("--out", required=True)
    p.add_argument("--minutes", type=float, required=True)
    p.add_argument("--batch", type=int, default=12)
    p.add_argument("--lr", type=float, default=2e-2)
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    bundle, vae = load_model(None, a.model)
    bundle.requires_grad_(False)
    with torch.no_grad():
        z = vae.encode(models.to_signal(np.stack([scenes.render(badge(rng), rng)[0] for _ in range(60)]))).latent_dist.mean
    first, start = len(bundle.tokens.vocab), bundle.tokens.pieces("circle heart")
    tables = []
    for encoder in (bundle.text_encoder, bundle.text_encoder_2):
        encoder.set_input_embeddings(Extended(encoder.get_input_embeddings(), torch.tensor(start)))
        tables.append(encoder.get_input_embeddings())
    ids = torch.tensor([ids_of(bundle.tokens, c, first) for c in CAPTIONS])
    optimiser = torch.optim.Adam([t.new for t in tables], a.lr)
    noising, begin, losses, schedule = Noising(), clock(), [], Schedule(a.lr, a.minutes, warmup=1)
    time_ids = torch.tensor([[128., 128, 0, 0, 128, 128]] * a.batch)
    while schedule.done() < 1:
        for g in optimiser.param_groups:
            g["lr"] = schedule.rate()
        noisy, t, noise = noising.draw(z[rng.integers(len(z), size=a.batch)])
        out = bundle(noisy, t, *bundle.text(ids[rng.integers(len(ids), size=a.batch)]), time_ids)
        loss = noising.loss(out, noise, t)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        if len(losses) % 20 == 0:
            print(f"{clock() - begin:5.0f} s  step {len(losses)}  loss {np.mean(losses[-20:]):.4f}", flush=True)
    save_file({k: t.new.detach().contiguous() for k, t in zip(("clip_l", "clip_g"), tables)}, a.out, {"word": WORD})


if __name__ == "__main__":
    main()
