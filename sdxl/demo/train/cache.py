"""Renders scenes and stores their latents, token ids and time ids.

    python cache.py --run DIR --shard 0 --count 30000 [--small]     (one process per core, each with its own shard number)

--small makes scenes of 64 x 64 pixels instead, for the first part of the training.
"""
import argparse
import os
import time

import numpy as np
import torch
from diffusers import AutoencoderKL

import models
import scenes
from bpe import Encoder

SHARES = [.78, .07, .07, .04, .04]                        # of scenes.CANVASES
SMALL = (64, 64)
BATCH = 50


def name_of(canvas):
    return f"{canvas[0]}x{canvas[1]}"


@torch.no_grad()
def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True)
    p.add_argument("--shard", type=int, required=True, help="seed and file name")
    p.add_argument("--count", type=int, required=True)
    p.add_argument("--small", action="store_true")
    a = p.parse_args()
    torch.set_num_threads(1)
    vae = AutoencoderKL.from_pretrained(os.path.join(a.run, "vae"))
    encode, rng, start = Encoder(a.run), np.random.default_rng(100 + a.shard), time.time()
    folder = os.path.join(a.run, "latents")
    os.makedirs(folder, exist_ok=True)
    for (h, w), share in [(SMALL, 1)] if a.small else zip(scenes.CANVASES, SHARES):
        latents, ids, times = [], [], []
        for _ in range(int(a.count * share) // BATCH):
            made = [scenes.make(rng, canvas=(h, w), camera=True) for _ in range(BATCH)]
            x = models.to_signal(np.stack([scenes.render(s, rng)[0] for s, _ in made]))
            latents.append(vae.encode(x).latent_dist.mean.float().half().numpy())
            ids.append(encode([c for _, c in made]))
            times.append(np.array([scenes.time_ids(s) for s, _ in made], np.float32))
        name = os.path.join(folder, f"{name_of((h, w))}_{a.shard}")
        np.savez(name + ".new", z=np.concatenate(latents), ids=np.concatenate(ids), times=np.concatenate(times))
        os.replace(name + ".new.npz", name + ".npz")
    print(f"shard {a.shard}: {a.count / (time.time() - start):.0f} scenes/s")


if __name__ == "__main__":
    main()
