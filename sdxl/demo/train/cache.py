"""Renders scenes and stores their latents, token ids and time ids.

    python cache.py --run DIR --shard 0 --count 30000     (one process per core, each with its own shard number)
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
BATCH = 50


@torch.no_grad()
def made(vae, encode, rng, canvas, n):
    """Latents float16 [n, 4, h/8, w/8], token ids and time ids of n scenes."""
    specs, captions = zip(*(scenes.make(rng, canvas=canvas, camera=True) for _ in range(n)))
    z = vae.encode(models.to_signal(np.stack([scenes.render(s, rng)[0] for s in specs]))).latent_dist.mean
    return z.half().numpy(), encode(captions), np.array([scenes.time_ids(s) for s in specs], np.float32)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True)
    p.add_argument("--shard", type=int, required=True, help="seed and file name")
    p.add_argument("--count", type=int, required=True)
    a = p.parse_args()
    torch.set_num_threads(1)
    vae = AutoencoderKL.from_pretrained(os.path.join(a.run, "vae"))
    encode, rng, start = Encoder(a.run), np.random.default_rng(100 + a.shard), time.time()
    folder = os.path.join(a.run, "latents")
    os.makedirs(folder, exist_ok=True)
    for canvas, share in zip(scenes.CANVASES, SHARES):
        z, ids, times = zip(*(made(vae, encode, rng, canvas, BATCH) for _ in range(int(a.count * share) // BATCH)))
        name = os.path.join(folder, f"{canvas[0]}x{canvas[1]}_{a.shard}")
        np.savez(name + ".new", z=np.concatenate(z), ids=np.concatenate(ids), times=np.concatenate(times))
        os.replace(name + ".new.npz", name + ".npz")
    print(f"shard {a.shard}: {a.count / (time.time() - start):.0f} scenes/s")


if __name__ == "__main__":
    main()
