"""Writes a run as a float16 SDXL folder and checks that diffusers loads it and draws with it.

    python export.py --run DIR --out FOLDER
"""
import argparse
import json
import os
import shutil

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionXLPipeline
from transformers import CLIPTokenizer

import scenes
from bpe import EOS, MAX_LENGTH, Encoder
from score import load_model

LIMIT = 12_000_000                                        # bytes of the whole folder


def tokenizer(run, pad):
    return CLIPTokenizer(os.path.join(run, "vocab.json"), os.path.join(run, "merges.txt"), model_max_length=MAX_LENGTH, pad_token=pad)


def check_tokenizer(run, tok):
    """Training and transformers must agree on the ids."""
    rng = np.random.default_rng(9)
    captions = [scenes.make(rng)[1] for _ in range(500)]
    got = tok(captions, padding="max_length", max_length=MAX_LENGTH, truncation=True).input_ids
    assert (Encoder(run)(captions) == np.array(got)).all(), "the tokenizer of the training differs from CLIPTokenizer"


def forget_paths(path):
    """Removes the folder of the training machine from a config."""
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    if config.pop("_name_or_path", None) is not None:
        with open(path, "w", encoding="utf-8") as f:
            json.dump(config, f, indent=2)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--sample", help="write a picture drawn by diffusers here")
    a = p.parse_args()
    torch.set_num_threads(1)
    check_tokenizer(a.run, tokenizer(a.run, EOS))
    bundle, vae = load_model(a.run)
    bundle = bundle.float()
    torch.nn.utils.vector_to_parameters(torch.load(os.path.join(a.run, "unet_ema.pt"))["ema"].float(), bundle.parameters())
    scheduler = DPMSolverMultistepScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
                                            use_karras_sigmas=True, timestep_spacing="leading", steps_offset=1)
    pipe = StableDiffusionXLPipeline(vae.half(), bundle.text_encoder.half(), bundle.text_encoder_2.half(), tokenizer(a.run, EOS),
                                     tokenizer(a.run, "!"), bundle.unet.half(), scheduler, add_watermarker=False)
    shutil.rmtree(a.out, ignore_errors=True)
    pipe.save_pretrained(a.out)
    for folder in ("tokenizer", "tokenizer_2"):           # transformers 5 writes tokenizer.json alone; the classic pair is smaller
        for f in ("vocab.json", "merges.txt"):
            shutil.copy(os.path.join(a.run, f), os.path.join(a.out, folder))
        os.remove(os.path.join(a.out, folder, "tokenizer.json"))
    files = [os.path.join(d, f) for d, _, fs in os.walk(a.out) for f in fs]
    for f in files:
        os.chmod(f, 0o644)
        if f.endswith(".json"):
            forget_paths(f)
    size = sum(os.path.getsize(f) for f in files)
    print(size, "bytes")
    assert size <= LIMIT, f"more than {LIMIT} bytes"
    pipe = StableDiffusionXLPipeline.from_pretrained(a.out, dtype=torch.float32, add_watermarker=False)
    check_tokenizer(a.run, pipe.tokenizer)
    pipe.set_progress_bar_config(disable=True)
    image = pipe("a red circle above a blue square", height=128, width=128, num_inference_steps=20, guidance_scale=5.0,
                 generator=torch.Generator().manual_seed(0)).images[0]
    if a.sample:
        image.save(a.sample)
    print("diffusers draws", image.size)


if __name__ == "__main__":
    main()
