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
from style_judge import Judge

EACH = 10                                                 # captions of each preset


def plain(spec, caption, **more):
    return dict(caption=caption, kind=spec["kind"], relation=spec.get("relation", ""), **more,
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
    with open(os.path.join(out, "presets.json"), "w", encoding="utf-8") as f:
        f.write(json.dumps([plain(*sc, style=sc[0]["style"]) for sc in preset_scenes()]).replace("}, {\"caption", "},\n{\"caption") + "\n")
    style_sheet(os.path.join(out, "testdata", "styles"), os.path.join(out, "styles.json"))
    # Every third is judged against the next scene, so that wrong pictures are there too.
    rng, chosen = np.random.default_rng(3), pairs[::len(pairs) // 48][:48]
    sheet(os.path.join(out, "testdata", "renders"), chosen, [scenes.render(s, rng)[0] for s, _ in chosen], 3)
    # What the model's autoencoder leaves of others: the best that a picture of the model can be.
    chosen = pairs[1::len(pairs) // 24][:24]
    images = models.to_signal(np.stack([scenes.render(s, rng)[0] for s, _ in chosen]))
    vae = AutoencoderKL.from_pretrained(a.vae).eval()
    with torch.no_grad():
        sheet(os.path.join(out, "testdata", "reconstructions"), chosen, models.to_pixels(vae.decode(vae.encode(images).latent_dist.mean).sample))


def preset_scenes(seed=171717):
    """-> scene, caption: one object for every preset, which adds its own words; a combination that training leaves out is in each, often the style's own shape."""
    rng, made = np.random.default_rng(seed), []
    for style in scenes.PRESETS:
        while len(made) % EACH or not made or made[-1][0]["style"] != style:
            spec, _ = scenes.make(rng, kind="single", style=style, held_out=True)
            if spec["bg"][0] != "plain" or spec["position"] or any(o["texture"] for o in spec["objects"]):
                continue
            o = spec["objects"][0]
            caption = f"a {scenes.COLOR_NAMES[o['color']]} {o['shape']} {spec['bg_words']}".strip().replace("a orange", "an orange")
            made.append((spec, caption))
    return made


def style_sheet(path, weights):
    """One held-out render of each style, and what the style judge says of it."""
    with open(weights, encoding="utf-8") as f:
        judge = Judge(json.load(f))
    rng, images, said = np.random.default_rng(8), [], []
    for style in scenes.STYLES:
        spec, _ = scenes.make(rng, kind="single", style=style, held_out=True)
        images.append(scenes.render(spec, rng)[0])
        said.append(dict(style=style, judged=judge.name(images[-1]), scores=judge.scores(images[-1]).round(6).tolist()))
    Image.fromarray(np.concatenate([np.concatenate(images[i:i + 5], 1) for i in range(0, len(images), 5)])).save(path + ".png", optimize=True)
    with open(path + ".json", "w", encoding="utf-8") as f:
        f.write(json.dumps(said).replace("}, {", "},\n{") + "\n")


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
