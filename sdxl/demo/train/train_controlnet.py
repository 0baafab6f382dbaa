"""Trains a ControlNet (Zhang et al. 2023) on the model: edges, or the boxes of the objects (controls.py).

    python train_controlnet.py edges  --model FOLDER --out ../companions --minutes 20
    python train_controlnet.py layout --model FOLDER --out ../companions --minutes 20

It starts as a copy of the UNet's first half whose outputs are zero. Writes OUT/NAME, a float16 folder in diffusers' layout.
"""
import argparse
import os

import numpy as np
import torch
from diffusers import ControlNetModel
from diffusers.models.attention_processor import AttnProcessor

import examples
import scenes
from controls import CONTROLS
from diffusion import Noising, drop_captions
from export import forget_paths
from optim import Schedule, Trainer, fit
from score import load_model

WIDTHS = (8, 16, 32, 32)                                  # of the layers that bring the control to the latents' size


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("control", choices=list(CONTROLS))
    p.add_argument("--model", default="../model")
    p.add_argument("--out", required=True)
    p.add_argument("--minutes", type=float, required=True)
    p.add_argument("--scenes", type=int, default=2000)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    bundle, vae = load_model(None, a.model)
    data = examples.make(bundle, vae, scenes.make, a.scenes, rng)
    given = np.stack([CONTROLS[a.control](*scene) for scene in zip(data.specs, data.pictures, data.owners)])
    given = torch.from_numpy(given).permute(0, 3, 1, 2)
    bundle.requires_grad_(False)
    net = ControlNetModel.from_unet(bundle.unet, conditioning_embedding_out_channels=WIDTHS)
    net.set_attn_processor(AttnProcessor())
    trainer, noising = Trainer(net, adam_only=("conv_in", "conv_out", "controlnet_")), Noising()

    def loss():
        i = torch.from_numpy(rng.integers(a.scenes, size=a.batch))
        noisy, t, noise = noising.draw(data.latents[i])
        ids, keep = drop_captions(bundle.tokens, data.ids[i], empty=0.25)   # what the control says must be enough at times
        hidden, pooled = bundle.text(ids)
        hidden, pooled = hidden * keep[:, None, None], pooled * keep[:, None]
        down, middle = net(noisy, t, hidden, given[i].float() / 255, added_cond_kwargs=dict(text_embeds=pooled, time_ids=data.times[i]), return_dict=False)
        out = bundle(noisy, t, hidden, pooled, data.times[i], down_block_additional_residuals=down, mid_block_additional_residual=middle)
        return noising.loss(out, noise, t)

    fit(trainer, Schedule(a.lr, a.minutes, warmup=20), loss)
    folder = os.path.join(a.out, a.control)
    net.half().save_pretrained(folder)
    forget_paths(os.path.join(folder, "config.json"))


if __name__ == "__main__":
    main()
