"""Trains a LoRA on the model, for a style or for a shape that it does not know.

    python train_lora.py blueprint --model FOLDER --out ../companions --minutes 2.6
    python train_lora.py house     --model FOLDER --out ../companions --minutes 2.6

Writes NAME.safetensors in the layout of sd-scripts (kohya) and NAME-peft.safetensors in that of diffusers.
"""
import argparse
import math
import os

import numpy as np
import torch

import models
import scenes
from adapters import attach, save_kohya, save_peft
from bundle import alphas_cumprod
from concepts import CONCEPTS
from optim import Trainer, clock
from score import load_model
from train_unet import timesteps


@torch.no_grad()
def examples(bundle, vae, concept, n, rng):
    """Latents, ids and time ids of scenes of the concept."""
    latents, captions, times = [], [], []
    for _ in range(n // 20):
        made = [concept.scene(rng) for _ in range(20)]
        latents.append(vae.encode(models.to_signal(np.stack([scenes.render(s, rng)[0] for s, _ in made]))).latent_dist.mean)
        captions += [c for _, c in made]
        times += [scenes.time_ids(s) for s, _ in made]
    return torch.cat(latents), torch.from_numpy(bundle.tokens(captions).astype(np.int64))[:, :48], torch.tensor(times, dtype=torch.float32)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("concept", choices=list(CONCEPTS))
    p.add_argument("--model", default="../model")
    p.add_argument("--out", required=True)
    p.add_argument("--minutes", type=float, required=True)
    p.add_argument("--rank", type=int, default=4)
    p.add_argument("--scenes", type=int, default=600)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    rng, concept = np.random.default_rng(0), CONCEPTS[a.concept]
    bundle, vae = load_model(None, a.model)
    z, ids, times = examples(bundle, vae, concept, a.scenes, rng)
    ids[:, -1] = bundle.tokens.eos
    adapters = attach(bundle, a.rank)
    trainer = Trainer(bundle, weight_decay=0, adam_only=("",))
    print(len(trainer.master), "parameters")
    alpha = alphas_cumprod().float()
    weight = (alpha / (1 - alpha)).clamp(max=5) * (1 - alpha) / alpha
    start, losses = clock(), []
    while (done := (clock() - start) / (60 * a.minutes)) < 1:
        i = torch.from_numpy(rng.integers(len(z), size=a.batch))
        noise, t = torch.randn_like(z[i]), timesteps(a.batch)
        s = alpha[t].view(-1, 1, 1, 1)
        hidden, pooled = bundle.text(ids[i])
        out = bundle(s.sqrt() * z[i] + (1 - s).sqrt() * noise, t, hidden, pooled, times[i])
        loss = (((out - noise) ** 2).mean((1, 2, 3)) * weight[t]).mean()
        loss.backward()
        trainer.step(a.lr * min(1, (trainer.steps + 1) / 20) * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * done))), 0.99)
        losses.append(loss.item())
        if len(losses) == 20:
            print(f"{clock() - start:5.0f} s  step {trainer.steps}  loss {np.mean(losses):.4f}", flush=True)
            losses = []
    trainer.swap_ema()
    os.makedirs(a.out, exist_ok=True)
    save_kohya(os.path.join(a.out, a.concept + ".safetensors"), adapters, bundle.unet.config.layers_per_block, a.concept, concept.words)
    save_peft(os.path.join(a.out, a.concept + "-peft.safetensors"), adapters)


if __name__ == "__main__":
    main()
