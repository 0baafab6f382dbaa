"""Draws with and without each companion in diffusers, and checks that both layouts of a LoRA give the same picture.

    python companions.py --model ../model --companions ../companions --out ../../../docs/img/companions.png --data ../testdata/companions
"""
import argparse
import os

import numpy as np
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from PIL import Image, ImageDraw

import judge
import models
import scenes
from controls import CONTROLS
from pipelines import add_word, controlled, draw, few_steps, fill_in, inpainting, pipeline
from train_inpaint import swapped

PLAIN = ["a red circle", "a yellow star on a dark blue background", "a green square left of a pink heart"]
HOUSES = ["a red house", "a yellow house on a dark blue background", "a green house left of a pink heart"]
BADGES = ["a {}", "a picture of {}", "there is a {}"]
CELL = 132


def lora(folder, companions, file, prompts):
    return draw(pipeline(folder, os.path.join(companions, file)), prompts)


def control_rows(folder, companions):
    """Pictures for each ControlNet and the inpainting UNet that is there: what it is given, and what is drawn."""
    pairs, rng = judge.prompts(seed=5, counts=(1, 0, 2, 0, 0)), np.random.default_rng(5)
    specs, captions = zip(*pairs)
    pictures, owners = zip(*(scenes.render(s, rng) for s in specs))
    plain, rows = draw(pipeline(folder), captions), {}
    for name, control in CONTROLS.items():
        if os.path.exists(net := os.path.join(companions, name)):
            given = [control(*scene) for scene in zip(specs, pictures, owners)]
            rows["without: " + name], rows[name], rows[name + " ControlNet"] = plain, given, draw(controlled(folder, net), captions, image=given)
    if os.path.exists(net := os.path.join(companions, "inpaint")):
        _, captions, masks = zip(*(swapped(*scene, rng) for scene in zip(specs, owners)))
        rows["hidden"] = [np.where(m[..., None] > 0, 128, p).astype(np.uint8) for p, m in zip(pictures, masks)]
        rows["inpainting UNet"] = fill_in(inpainting(folder, net), captions, pictures, masks)
    return rows


@torch.no_grad()
def previews(folder, companions, prompts):
    """The same scenes by the VAE and by the tiny one."""
    vae, small = AutoencoderKL.from_pretrained(os.path.join(folder, "vae")), AutoencoderTiny.from_pretrained(os.path.join(companions, "tiny_vae"), torch_dtype=torch.float32)
    rng = np.random.default_rng(6)
    images = models.to_signal(np.stack([scenes.render(scenes.make(rng, held_out=True, style="flat")[0], rng)[0] for _ in range(prompts)]))
    z = vae.encode(images).latent_dist.mean
    return [list(models.to_pixels(m.decode(z).sample)) for m in (vae, small)]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", default="../model")
    p.add_argument("--companions", default="../companions")
    p.add_argument("--out", required=True)
    p.add_argument("--data", required=True, help="folder for the pictures that the Go test reads")
    a = p.parse_args()
    torch.set_num_threads(1)
    os.makedirs(a.data, exist_ok=True)
    rows = {"without": draw(pipeline(a.model), PLAIN)}
    rows["blueprint LoRA"] = lora(a.model, a.companions, "blueprint.safetensors", [p + ", blueprint" for p in PLAIN])
    rows["without: house"] = draw(pipeline(a.model), HOUSES)
    rows["house LoRA"] = lora(a.model, a.companions, "house.safetensors", HOUSES)
    for name, prompts in (("blueprint", [p + ", blueprint" for p in PLAIN]), ("house", HOUSES)):
        other = lora(a.model, a.companions, name + "-peft.safetensors", prompts)
        apart = max(abs(x.astype(int) - y).max() for x, y in zip(rows[name + " LoRA"], other))
        print(name, "sd-scripts' layout against PEFT's: levels apart", apart)
        assert apart <= 1
    pipe = pipeline(a.model)
    rows["without: badge"] = draw(pipe, [b.format("badge") for b in BADGES])
    word = add_word(pipe, os.path.join(a.companions, "badge.safetensors"), "<badge>")
    rows["badge embedding"] = draw(pipe, [b.format(word) for b in BADGES])
    if os.path.exists(file := os.path.join(a.companions, "four-steps.safetensors")):
        rows["without: 4 steps"] = draw(few_steps(a.model), PLAIN, steps=4, cfg=1.0)
        rows["4 steps LoRA"] = draw(few_steps(a.model, file), PLAIN, steps=4, cfg=1.0)
    rows.update(control_rows(a.model, a.companions))
    rows["VAE"], rows["tiny VAE"] = previews(a.model, a.companions, 3)
    for name, images in rows.items():
        print(name, [[(t.shape, scenes.COLOR_NAMES[t.color]) for t in judge.read(i)] for i in images])
    sheet = Image.new("RGB", (2 * (110 + 3 * CELL), CELL * ((len(rows) + 1) // 2)), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (name, images) in enumerate(rows.items()):
        x, y = i % 2 * (110 + 3 * CELL), i // 2 * CELL
        pen.text((x + 4, y + 60), name, fill="black", font_size=11)
        for j, image in enumerate(images):
            sheet.paste(Image.fromarray(image), (x + 110 + CELL * j, y + 2))
        Image.fromarray(np.concatenate(images, 1)).save(os.path.join(a.data, name.replace(": ", "-").replace(" ", "-") + ".png"))
    sheet.save(a.out, optimize=True)


if __name__ == "__main__":
    main()
