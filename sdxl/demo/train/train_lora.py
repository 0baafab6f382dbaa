"""Trains a LoRA on the model, for a style or for a shape that it does not know.

    python train_lora.py blueprint --model FOLDER --out ../companions --minutes 2.6
    python train_lora.py house     --model FOLDER --out ../companions --minutes 2.6

Writes NAME.safetensors in the layout of sd-scripts (kohya) and NAME-peft.safetensors in that of diffusers.
"""
import argparse
import os

import numpy as np
import torch

import examples
from adapters import attach, save_kohya, save_peft
from concepts import CONCEPTS
from diffusion import Noising
from optim import Schedule, Trainer, fit
from score import load_model


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
    data = examples.make(bundle, vae, concept.scene, a.scenes, rng)
    adapters = attach(bundle, a.rank)
    trainer = Trainer(bundle, weight_decay=0, adam_only=("",))
    print(len(trainer.master), "parameters")
    noising = Noising()

    def loss():
        i = torch.from_numpy(rng.integers(a.scenes, size=a.batch))
        noisy, t, noise = noising.draw(data.latents[i])
        return noising.loss(bundle(noisy, t, *bundle.text(data.ids[i]), data.times[i]), noise, t)

    fit(trainer, Schedule(a.lr, a.minutes, warmup=20), loss)
    os.makedirs(a.out, exist_ok=True)
    save_kohya(os.path.join(a.out, a.concept + ".safetensors"), adapters, bundle.unet.config.layers_per_block, a.concept, concept.words)
    save_peft(os.path.join(a.out, a.concept + "-peft.safetensors"), adapters)


if __name__ == "__main__":
    main()
