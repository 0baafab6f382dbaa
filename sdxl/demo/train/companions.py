"""Draws with and without each companion in diffusers, and checks that both layouts of a LoRA give the same picture.

    python companions.py --model ../model --companions ../companions --out ../../../docs/img/companions.png --data ../testdata/companions
"""
import argparse
import os

import numpy as np
import torch
from diffusers import AutoencoderKL, AutoencoderTiny, DPMSolverMultistepScheduler, StableDiffusionXLPipeline
from PIL import Image, ImageDraw
from safetensors.torch import load_file

import judge
import models
import scenes

PLAIN = ["a red circle", "a yellow star on a dark blue background", "a green square left of a pink heart"]
HOUSES = ["a red house", "a yellow house on a dark blue background", "a green house left of a pink heart"]
BADGES = ["a {}", "a picture of {}", "there is a {}"]
CELL = 132


def pipeline(folder, lora=None):
    pipe = StableDiffusionXLPipeline.from_pretrained(folder, torch_dtype=torch.float32, add_watermarker=False)
    pipe.scheduler = DPMSolverMultistepScheduler.from_config(pipe.scheduler.config, use_karras_sigmas=True)
    pipe.set_progress_bar_config(disable=True)
    if lora:
        pipe.load_lora_weights(lora)
    return pipe


def draw(pipe, prompts, steps=20, cfg=5.0, **each):
    """A picture for each prompt, with its number for a seed; `each` holds a list with one value for each prompt."""
    return [np.asarray(pipe(p, height=128, width=128, num_inference_steps=steps, guidance_scale=cfg, generator=torch.Generator().manual_seed(k),
                            **{name: values[k] for name, values in each.items()}).images[0]) for k, p in enumerate(prompts)]


def add_word(pipe, path, word):
    """New tokens, one for each vector, in both tokenizers; -> the words to write for it."""
    vectors = load_file(path)
    words = [f"{word}{i}" for i in range(len(vectors["clip_l"]))]
    for tokenizer, encoder, key in ((pipe.tokenizer, pipe.text_encoder, "clip_l"), (pipe.tokenizer_2, pipe.text_encoder_2, "clip_g")):
        tokenizer.add_tokens(words)
        encoder.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        with torch.no_grad():
            encoder.get_input_embeddings().weight[tokenizer.convert_tokens_to_ids(words)] = vectors[key].float()
    return " ".join(words)


def lora(folder, companions, file, prompts):
    return draw(pipeline(folder, os.path.join(companions, file)), prompts)


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
