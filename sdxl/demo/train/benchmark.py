"""Writes the captions of `easel bench quality`, and pictures with this judge's scores to test its Go twin:

    python benchmark.py --out ../../../bench/quality
"""
import argparse
import json
import os

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image

import judge
import models
import scenes


def plain(spec, caption):
    return dict(caption=caption, kind=spec["kind"], relation=spec.get("relation", ""),
                objects=[dict(shape=o["shape"], color=o["color"], x=round(o["x"], 2), y=round(o["y"], 2)) for o in spec["objects"]])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True)
    p.add_argument("--vae", default="../model/vae")
    a = p.parse_args()
    out = a.out
    pairs = judge.prompts()
    with open(os.path.join(out, "scenes.json"), "w", encoding="utf-8") as f:
        f.write(json.dumps([plain(*sc) for sc in pairs]).replace("}, {\"caption", "},\n{\"caption") + "\n")
    # Every third is judged against the next scene, so that wrong pictures are there too.
    rng, chosen = np.random.default_rng(3), pairs[::len(pairs) // 48][:48]
    sheet(os.path.join(out, "testdata", "renders"), chosen, [scenes.render(s, rng)[0] for s, _ in chosen], 3)
    # What the model's autoencoder leaves of others: the best that a picture of the model can be.
    chosen = pairs[1::len(pairs) // 24][:24]
    images = models.to_signal(np.stack([scenes.render(s, rng)[0] for s, _ in chosen]))
    vae = AutoencoderKL.from_pretrained(a.vae).eval()
    with torch.no_grad():
        sheet(os.path.join(out, "testdata", "reconstructions"), chosen, models.to_pixels(vae.decode(vae.encode(images).latent_dist.mean).sample))


def sheet(path, pairs, images, wrong=0):
    """Rows of 8 pictures, and what the judge says of them; every `wrong`-th is asked for the next one's scene."""
    rows = [np.concatenate(images[i:i + 8], 1) for i in range(0, len(images), 8)]
    Image.fromarray(np.concatenate(rows)).save(path + ".png")
    expected = []
    for i, image in enumerate(images):
        spec, caption = pairs[(i + 1) % len(pairs)] if wrong and i % wrong == wrong - 1 else pairs[i]
        found, right = judge.score(spec, image)
        expected.append(dict(scene=plain(spec, caption), objects=bool(found), right=bool(right)))
    with open(path + ".json", "w", encoding="utf-8") as f:
        f.write(json.dumps(expected).replace("}, {\"scene", "},\n{\"scene") + "\n")


if __name__ == "__main__":
    main()
