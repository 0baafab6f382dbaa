"""Trains the text encoders and the UNet together on the latents of cache.py.

    python train_unet.py --run DIR --minutes 60 [--init MODEL_FOLDER]

Epsilon prediction with min-SNR weights (Hang et al. 2023), 12 % dropped captions. Goes on from DIR/unet_state.pt if there is one;
appends to DIR/unet.csv; the file DIR/unet_ema.pt holds the averaged weights. --init starts from exported weights; tensors of
another shape start fresh and token embeddings are matched by token.
"""
import argparse
import csv
import glob
import json
import math
import os

import numpy as np
import torch
from safetensors.torch import load_file

from bpe import Encoder
from bundle import Bundle, alphas_cumprod
from optim import Trainer, clock

SHORT = 40                                                # tokens, until the last part of the run


class Latents:
    """The cached scenes by canvas; every batch is of one canvas."""

    def __init__(self, run, seed):
        self.run, self.files, self.rng = run, [], np.random.default_rng(seed)
        self.load()

    def load(self):
        files = sorted(glob.glob(os.path.join(self.run, "latents", "*[0-9].npz")))
        if files == self.files:
            return
        self.files, parts = files, {}
        for f in files:
            with np.load(f) as d:
                parts.setdefault(os.path.basename(f).split("_")[0], []).append([d["z"], d["ids"], d["times"]])
        self.canvases = [[torch.from_numpy(np.concatenate(c)) for c in zip(*v)] for v in parts.values()]
        sizes = np.array([len(c[0]) for c in self.canvases], float)
        self.shares, self.order = sizes / sizes.sum(), [np.empty(0, int) for _ in sizes]
        print(int(sizes.sum()), "scenes on", list(parts))

    def batch(self, n):
        c = self.rng.choice(len(self.canvases), p=self.shares)
        if len(self.order[c]) < n:
            self.order[c] = self.rng.permutation(len(self.canvases[c][0]))
        i, self.order[c] = self.order[c][:n], self.order[c][n:]
        z, ids, times = (v[i] for v in self.canvases[c])
        return z.float(), ids.long(), times


def timesteps(n):
    """Stratified; 60 % of them where the layout is decided (more noise than not)."""
    u = (torch.arange(n) + torch.rand(n)) / n
    logit = torch.special.ndtri(u.clamp(1e-4, 1 - 1e-4)) * 0.9 + 0.5
    even = torch.rand(n) < 0.4
    return (1000 * torch.where(even, u[torch.randperm(n)], logit.sigmoid())).long().clamp(0, 999)


def initialise(bundle, folder):
    """Copies what fits from a model folder."""
    with open(os.path.join(folder, "tokenizer", "vocab.json"), encoding="utf-8") as f:
        old = json.load(f)
    for name, file in (("text_encoder", "model"), ("text_encoder_2", "model"), ("unet", "diffusion_pytorch_model")):
        given = load_file(os.path.join(folder, name, file + ".safetensors"))
        own, copied = getattr(bundle, name).state_dict(), 0
        for k, v in own.items():
            if k not in given:
                continue
            if k.endswith("token_embedding.weight"):
                for token, i in bundle.tokens.vocab.items():
                    if token in old:
                        v[i] = given[k][old[token]].float()
                copied += 1
            elif given[k].shape == v.shape:
                v.copy_(given[k].float())
                copied += 1
        print(f"{name}: {copied} of {len(own)} tensors from {folder}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True)
    p.add_argument("--minutes", type=float, required=True)
    p.add_argument("--init", help="model folder to start from")
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--flat", type=float, default=0.4, help="share of the run before the learning rate falls")
    p.add_argument("--full", type=float, default=0.85, help="share of the run after which all 77 tokens are used")
    p.add_argument("--average", type=float, default=0.999, help="decay of the averaged weights; less for a short run")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    bundle = Bundle(Encoder(a.run))
    if a.init:
        with torch.no_grad():
            initialise(bundle, a.init)
    trainer = Trainer(bundle, adam_only=("conv_in", "conv_out"))
    print(len(trainer.master), "parameters")
    state, base = os.path.join(a.run, "unet_state.pt"), 0.0
    if os.path.exists(state) and not a.init:
        s = torch.load(state)
        trainer.load(s["trainer"])
        base = s["seconds"]
    torch.manual_seed(a.seed + trainer.steps)
    data = Latents(a.run, a.seed + trainer.steps)
    alpha = alphas_cumprod().float()
    snr = alpha / (1 - alpha)
    weight = snr.clamp(max=5) / snr
    log = open(os.path.join(a.run, "unet.csv"), "a", newline="")
    start, first, losses, next_log, next_save = clock(), trainer.steps, [], 30.0, 300.0
    while (done := (clock() - start) / (60 * a.minutes)) < 1:
        length = SHORT if done < a.full else 77
        fall = 0.5 + 0.5 * math.cos(math.pi * max(0, done - a.flat) / (1 - a.flat))
        lr = a.lr * min(1, (trainer.steps - first + 1) / 100) * (0.02 + 0.98 * fall)
        z, ids, time_ids = data.batch(a.batch)
        n = len(z)
        ids = ids[:, :length].clone()
        ids[:, -1] = bundle.tokens.eos
        u = torch.rand(n)
        ids[u < 0.05, 1:] = bundle.tokens.eos             # the empty prompt
        keep = (~((u > 0.05) & (u < 0.12))).float()    # zeros: what SDXL gives for no negative prompt
        hidden, pooled = bundle.text(ids)
        t, noise = timesteps(n), torch.randn_like(z)
        s = alpha[t].view(-1, 1, 1, 1)
        noisy = s.sqrt() * z + (1 - s).sqrt() * noise
        out = bundle(noisy, t, hidden * keep[:, None, None], pooled * keep[:, None], time_ids)
        loss = (((out.float() - noise) ** 2).mean((1, 2, 3)) * weight[t]).mean()
        loss.backward()
        trainer.step(lr, a.average)
        losses.append(loss.item())
        elapsed = clock() - start
        if elapsed > next_log:
            csv.writer(log).writerow([f"{base + elapsed:.0f}", trainer.steps, f"{np.mean(losses):.5f}", f"{lr:.2e}"])
            log.flush()
            print(f"{base + elapsed:6.0f} s  step {trainer.steps}  {elapsed / (trainer.steps - first) * 1e3:.0f} ms/step  loss {np.mean(losses):.4f}  lr {lr:.1e}", flush=True)
            losses, next_log = [], next_log + 30
        if elapsed > next_save:
            save(a.run, state, trainer, base + elapsed)
            next_save += 300
            data.load()                                   # shards that cache.py has added meanwhile
    save(a.run, state, trainer, base + clock() - start)


def save(run, state, trainer, seconds):
    torch.save(dict(trainer=trainer.state(), seconds=seconds), state + ".new")
    os.replace(state + ".new", state)
    torch.save(dict(ema=trainer.ema.half(), seconds=seconds, steps=trainer.steps), os.path.join(run, "unet_ema.pt"))


if __name__ == "__main__":
    main()
