"""Trains the model's UNet to fill in what a mask hides: nine channels, the noisy latents, the mask, and the latents of the rest.

    python train_inpaint.py --model FOLDER --out ../companions/inpaint --minutes 20

The new channels start at zero, so that the first step draws what the base draws. Writes a float16 UNet folder, diffusers' layout.
"""
import argparse
import os

import numpy as np
import torch
import torch.nn.functional as F

import examples
import models
import scenes
from diffusion import Noising, drop_captions
from export import forget_paths
from optim import Schedule, Trainer, fit
from score import load_model


def widen(unet):
    """A UNet of nine channels that gives what `unet` does, whatever the five new ones hold."""
    wide, state = models.unet(in_channels=9), unet.state_dict()
    first = state["conv_in.weight"]
    state["conv_in.weight"] = torch.cat([first, first.new_zeros(len(first), 5, *first.shape[2:])], 1)
    wide.load_state_dict(state)
    return wide


def fill(mask, x0, y0, x1, y1):
    mask[max(0, int(y0)):max(0, int(y1)), max(0, int(x0)):max(0, int(x1))] = 1


def mask_of(owner, rng):
    """A mask [h, w], 1 where to draw: mostly round an object, also a box anywhere, a few thick strokes, or everything."""
    mask, u = np.zeros(owner.shape, np.float32), rng.random()
    h, w = owner.shape
    objects = np.unique(owner[owner > 0])
    if u < .55 and len(objects):
        ys, xs = np.nonzero(owner == rng.choice(objects))
        grow = rng.uniform(2, 16, 4)
        fill(mask, xs.min() - grow[0], ys.min() - grow[1], xs.max() + grow[2], ys.max() + grow[3])
    elif u < .75:
        y, x, high, wide = rng.uniform(0, h * .7), rng.uniform(0, w * .7), rng.uniform(.2, .8) * h, rng.uniform(.2, .8) * w
        fill(mask, x, y, x + wide, y + high)
    elif u < .9:
        for _ in range(rng.integers(1, 4)):
            a, b, r = rng.uniform(0, (w, h)), rng.uniform(0, (w, h)), rng.uniform(6, 16)
            for t in np.linspace(0, 1, 12):
                x, y = a + (b - a) * t
                fill(mask, x - r, y - r, x + r, y + r)
    else:
        mask[:] = 1
    return mask


def swapped(spec, owner, rng):
    """The scene with another object in the place of its last one. -> scene, caption of that object, mask of its place"""
    *others, old = spec["objects"]
    taken = {o["color"] for o in spec["objects"]} | {c for c, name in enumerate(scenes.COLOR_NAMES) if name in (spec["bg_words"] or "white")}
    new = dict(old, shape=str(rng.choice([s for s in scenes.SHAPES if s != old["shape"]])),
               color=int(rng.choice([c for c in range(len(scenes.COLOR_NAMES)) if c not in taken])))
    caption = f"a {scenes.COLOR_NAMES[new['color']]} {new['shape']} {spec['bg_words']}".strip()
    mask = np.zeros(owner.shape, np.uint8)
    ys, xs = np.nonzero(owner == len(spec["objects"]))
    fill(mask, xs.min() - 8, ys.min() - 8, xs.max() + 8, ys.max() + 8)
    return dict(spec, objects=[*others, new]), caption, mask


def masked(vae, images, masks):
    """The five channels beside the noisy latents: the mask at the latents' size, and the latents of the pictures with grey in its place."""
    hidden = masks[:, None]
    small = F.interpolate(hidden, scale_factor=1 / 8)
    return torch.cat([small, examples.latents_of(vae, images * (hidden < 0.5))], 1)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", default="../model")
    p.add_argument("--out", required=True)
    p.add_argument("--minutes", type=float, required=True)
    p.add_argument("--scenes", type=int, default=2000)
    p.add_argument("--masks", type=int, default=2, help="for each scene")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--lr", type=float, default=5e-4)
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    bundle, vae = load_model(None, a.model)
    data = examples.make(bundle, vae, scenes.make, a.scenes, rng)
    masks = [torch.from_numpy(np.stack([mask_of(o, rng) for o in data.owners])) for _ in range(a.masks)]
    context = torch.stack([masked(vae, data.images, m) for m in masks])
    bundle.requires_grad_(False)
    bundle.unet = widen(bundle.unet)
    trainer, noising = Trainer(bundle, adam_only=("conv_in", "conv_out")), Noising()

    def loss():
        i = torch.from_numpy(rng.integers(a.scenes, size=a.batch))
        given = context[torch.from_numpy(rng.integers(a.masks, size=a.batch)), i]
        noisy, t, noise = noising.draw(data.latents[i])
        ids, keep = drop_captions(bundle.tokens, data.ids[i])
        hidden, pooled = bundle.text(ids)
        out = bundle(torch.cat([noisy, given], 1), t, hidden * keep[:, None, None], pooled * keep[:, None], data.times[i])
        return noising.loss(out, noise, t)

    fit(trainer, Schedule(a.lr, a.minutes, warmup=20), loss)
    bundle.unet.half().save_pretrained(a.out)
    forget_paths(os.path.join(a.out, "config.json"))


if __name__ == "__main__":
    main()
