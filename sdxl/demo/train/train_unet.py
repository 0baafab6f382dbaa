"""Trains the text encoders and the UNet together on the latents of cache.py.

    python train_unet.py --run DIR --minutes 60 [--init MODEL_FOLDER] [--text CLIP_FOLDER] [--small]

12 % of the captions are dropped. Goes on from DIR/unet_state.pt if there is one; appends to DIR/unet.csv; the file DIR/unet_ema.pt
holds the averaged weights. --init starts from exported weights; tensors of another shape start fresh and token embeddings are
matched by token. --text starts text_encoder_2 from the text tower of a CLIP pair with the same tokenizer, as SDXL's encoders are
those of CLIP. --small needs no cache: it makes scenes of 64 x 64 pixels as it goes. A step costs about half as much, and words, colours and
places are learnt first.
"""
import argparse
import csv
import glob
import json
import os
import time

import numpy as np
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file

from bpe import Encoder
from bundle import Bundle
from cache import made
from diffusion import Noising, drop_captions
from optim import Schedule, Trainer, clock

SHORT = 40                                                # tokens, until the last part of the run
SMALL, FRESH = (64, 64), 10                               # pixels of the small scenes, new ones for each batch


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
        return z.float().contiguous(memory_format=torch.channels_last), ids.long(), times


class SmallScenes:
    """A pool of small scenes; every batch replaces some."""

    def __init__(self, run, encode, seed, size=3000):
        self.vae, self.encode, self.rng = AutoencoderKL.from_pretrained(os.path.join(run, "vae")), encode, np.random.default_rng(seed)
        self.pool, self.next = [np.concatenate(v) for v in zip(*(self._made() for _ in range(size // FRESH)))], 0

    def load(self):
        """Nothing is on disk."""

    def _made(self):
        return made(self.vae, self.encode, self.rng, SMALL, FRESH)

    def batch(self, n):
        for old, new in zip(self.pool, self._made()):
            old[self.next:self.next + FRESH] = new
        self.next = (self.next + FRESH) % len(self.pool[0])
        i = self.rng.integers(len(self.pool[0]), size=n)
        z, ids, times = (torch.from_numpy(v[i]) for v in self.pool)
        return z.float().contiguous(memory_format=torch.channels_last), ids.long(), times


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


def borrow(encoder, run, folder):
    """Starts text_encoder_2 from the text tower of a CLIP pair: layers beyond the tower's pass on what they get."""
    for f in ("vocab.json", "merges.txt"):
        with open(os.path.join(run, f), "rb") as a, open(os.path.join(folder, f), "rb") as b:
            if a.read() != b.read():
                raise SystemExit(f"{f} of {folder} differs from that of {run}: the pair must have been trained with the same tokenizer")
    given = load_file(os.path.join(folder, "model.safetensors"))
    own = encoder.state_dict()
    for k, v in own.items():
        if k in given:
            v.copy_(given[k].float())
        elif k.split(".")[-2] in ("out_proj", "fc2"):
            v.zero_()
    print(f"text_encoder_2: {sum(k in given for k in own)} of {len(own)} tensors from {folder}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True)
    p.add_argument("--minutes", type=float, default=180, help="of processor time by thread")
    p.add_argument("--until", help="end at this wall time, HH:MM, instead")
    p.add_argument("--init", help="model folder to start from")
    p.add_argument("--text", help="folder of a CLIP pair to start text_encoder_2 from")
    p.add_argument("--small", action="store_true", help="scenes of 64 x 64 pixels, made as it goes")
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
    with torch.no_grad():
        if a.init:
            initialise(bundle, a.init)
        if a.text:
            borrow(bundle.text_encoder_2, a.run, a.text)
    trainer = Trainer(bundle, adam_only=("conv_in", "conv_out"))
    print(len(trainer.master), "parameters")
    state, base = os.path.join(a.run, "unet_state.pt"), 0.0
    if os.path.exists(state) and not a.init:
        s = torch.load(state)
        trainer.load(s["trainer"])
        base = s["seconds"]
    torch.manual_seed(a.seed + trainer.steps)
    seed, noising = a.seed + trainer.steps, Noising()
    data = SmallScenes(a.run, bundle.tokens, seed) if a.small else Latents(a.run, seed)
    log = open(os.path.join(a.run, "unet.csv"), "a", newline="")
    start, first, losses, next_log, next_save = clock(), trainer.steps, [], 30.0, time.time() + 300
    schedule = Schedule(a.lr, a.minutes, a.until, 100, a.flat)
    while (done := schedule.done()) < 1:
        z, ids, time_ids = data.batch(a.batch)
        ids, keep = drop_captions(bundle.tokens, ids[:, :SHORT if done < a.full else 77])
        hidden, pooled = bundle.text(ids)
        noisy, t, noise = noising.draw(z)
        loss = noising.loss(bundle(noisy, t, hidden * keep[:, None, None], pooled * keep[:, None], time_ids), noise, t)
        loss.backward()
        lr = schedule.rate()
        trainer.step(lr, a.average)
        losses.append(loss.item())
        elapsed = clock() - start
        if elapsed > next_log:
            csv.writer(log).writerow([f"{base + elapsed:.0f}", trainer.steps, f"{np.mean(losses):.5f}", f"{lr:.2e}"])
            log.flush()
            print(f"{base + elapsed:6.0f} s  step {trainer.steps}  {elapsed / (trainer.steps - first) * 1e3:.0f} ms/step  loss {np.mean(losses):.4f}  lr {lr:.1e}", flush=True)
            losses, next_log = [], next_log + 30
        if time.time() > next_save:
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
