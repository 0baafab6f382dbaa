"""An independent judge: a small network that reads shape and colour off the pixels of 4 x 4 cells.

    python judge.py --run DIR --minutes 5      trains DIR/judge.safetensors on renders and scores held-out renders

It never sees a generated picture, and no part of the model is trained with it.
"""
import argparse
import os
import time
from collections import Counter

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

import models
import scenes
from shapes import SHAPES

CELL = 4
CLASSES = 13                                              # nothing, or one of 12


class Judge(nn.Module):
    """Pixels in -1..1, sides multiples of 8 -> 13 shape and 13 colour scores a cell."""

    def __init__(self, width=64):
        super().__init__()
        self.fine = nn.Sequential(nn.Conv2d(3, 32, 4, 2, 1), nn.SiLU(), nn.Conv2d(32, 48, 4, 2, 1), nn.SiLU())
        self.coarse = nn.Conv2d(48, width, 4, 2, 1)
        self.body = nn.ModuleList(nn.Sequential(nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=d, dilation=d))
                                  for d in (1, 2, 4, 1, 2, 1))
        self.head = nn.Sequential(nn.Conv2d(width + 48, 64, 3, padding=1), nn.SiLU(), nn.Conv2d(64, 2 * CLASSES, 1))

    def forward(self, x):
        fine = self.fine(x)
        x = self.coarse(fine)
        for b in self.body:
            x = x + b(x)
        return self.head(torch.cat([fine, F.interpolate(x, scale_factor=2, mode="nearest")], 1))

    @torch.no_grad()
    def read(self, images):
        """uint8 [n, h, w, 3] -> shape and colour of the cells, 0 for none, each [n, h/4, w/4]."""
        out = torch.cat([self(models.to_signal(images[i:i + 32])) for i in range(0, len(images), 32)])
        shape = out[:, :CLASSES].argmax(1)
        color = 1 + out[:, CLASSES + 1:].argmax(1)
        return shape.numpy(), torch.where(shape > 0, color, 0).numpy()


def blobs(mask):
    """Boxes' centres (x, y in cells) and sizes of the connected parts of a mask, 8-neighbourhood."""
    mask, found = mask.copy(), []
    for y, x in zip(*np.nonzero(mask)):
        if not mask[y, x]:
            continue
        mask[y, x], stack, cells = False, [(y, x)], []
        while stack:
            i, j = stack.pop()
            cells.append((j, i))
            for p in range(max(0, i - 1), min(mask.shape[0], i + 2)):
                for q in range(max(0, j - 1), min(mask.shape[1], j + 2)):
                    if mask[p, q]:
                        mask[p, q] = False
                        stack.append((p, q))
        found.append((np.mean(cells, 0), len(cells)))
    return found


def score(spec, shape, color):
    """-> every asked (shape, colour) is there; and also at its place, in its number, and with nothing else."""
    asked = Counter((SHAPES.index(o["shape"]) + 1, o["color"] + 1) for o in spec["objects"])
    masks = {k: (shape == k[0]) & (color == k[1]) for k in asked}
    if not all(m.sum() >= 4 for m in masks.values()):
        return False, False
    things = [c for c, n in blobs(shape > 0) if n >= 4]
    centre = {k: np.array([np.median(v) for v in np.nonzero(m)[::-1]]) * CELL + CELL / 2 for k, m in masks.items()}
    keys = [(SHAPES.index(o["shape"]) + 1, o["color"] + 1) for o in spec["objects"]]
    at = [np.array([o["x"] - spec["left"], o["y"] - spec["top"]]) for o in spec["objects"]]
    if spec["kind"] == "single":
        return True, len(things) == 1 and bool(abs(centre[keys[0]] - at[0]).max() < 20)
    if spec["kind"] == "count":
        return True, len(things) == len(keys)
    if spec["kind"] == "inside":
        return True, bool(abs(centre[keys[0]] - centre[keys[1]]).max() < 16)
    right = len(things) == len(keys)
    for (ka, pa), (kb, pb) in zip(zip(keys, at), zip(keys[1:], at[1:])):
        if ka != kb and spec.get("relation") != "beside":
            axis = int(abs(pb - pa).argmax())
            right &= bool((centre[kb] - centre[ka])[axis] * np.sign((pb - pa)[axis]) > 12)
    return True, right


def score_all(judge, specs, images):
    """-> bool [n, 2] of `score`."""
    return np.array([score(*v) for v in zip(specs, *judge.read(images))])


def table(specs, results):
    """Percentages a kind, as text."""
    lines = []
    for k in scenes.KINDS:
        i = [j for j, s in enumerate(specs) if s["kind"] == k]
        if i:
            found, right = results[i].mean(0) * 100
            lines.append(f"{k:9s} n {len(i):3d}  objects {found:3.0f} %  all right {right:3.0f} %")
    return "\n".join(lines)


def load(run):
    judge = Judge()
    judge.load_state_dict(load_file(os.path.join(run, "judge.safetensors")))
    return judge.eval()


def prompts(seed=777, counts=(50, 40, 70, 40, 20), held_out=True, style=None):
    """Held-out scenes with captions, so many of each kind."""
    rng = np.random.default_rng(seed)
    return [scenes.make(rng, kind=k, held_out=held_out, style=style) for k, n in zip(scenes.KINDS, counts) for _ in range(n)]


def _degrade(x):
    """What generated pictures may suffer from: casts, blur, noise."""
    x = x + torch.randn(len(x), 3, 1, 1) * 0.04
    x = torch.where(torch.rand(len(x), 1, 1, 1) < .3, F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1), x)
    return x + torch.randn_like(x) * 0.06 * torch.rand(len(x), 1, 1, 1)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True)
    p.add_argument("--minutes", type=float, default=5)
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    judge, rng = Judge(), np.random.default_rng(31337)
    opt = torch.optim.AdamW(judge.parameters(), weight_decay=0.02)
    weight = torch.ones(CLASSES)
    weight[0] = 0.3
    start, losses = time.time(), []
    while (done := (time.time() - start) / (60 * a.minutes)) < 1:
        for g in opt.param_groups:
            g["lr"] = 3e-3 * (1 - done) + 1e-5
        specs = [scenes.make(rng, held_out=bool(rng.random() < .3), style="flat" if rng.random() < .2 else None)[0] for _ in range(24)]
        rendered = [scenes.render(s, rng) for s in specs]
        x = _degrade(models.to_signal(np.stack([r[0] for r in rendered])))
        y = torch.from_numpy(np.stack([scenes.labels(s, r[1], CELL) for s, r in zip(specs, rendered)])).long()
        with torch.autocast("cpu", torch.bfloat16):
            out = judge(x)
        out = out.float()
        loss = F.cross_entropy(out[:, :CLASSES], y[:, 0], weight) + F.cross_entropy(out[:, CLASSES:], y[:, 1], weight)
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
        if len(losses) % 200 == 0:
            print(f"{time.time() - start:5.0f} s  step {len(losses)}  loss {np.mean(losses[-200:]):.4f}", flush=True)
    save_file(judge.state_dict(), os.path.join(a.run, "judge.safetensors"))
    specs = [s for s, _ in prompts()]
    print("renders of held-out scenes, the best one can score:\n" + table(specs, score_all(judge.eval(), specs, np.stack([scenes.render(s, rng)[0] for s in specs]))))


if __name__ == "__main__":
    main()
