"""Makes three fresh models and their references, laid out as testdata is, for checks that nobody tuned to:

    python make_heldout.py /tmp/heldout --seed 7
    EASEL_GOLDEN=/tmp/heldout go test -count=1 -run 'TestNetworks|TestPictures' ./sdxl
"""
import argparse
import math
import pathlib
import random

import torch

import components
import models
import pictures
from make_goldens import make

ODD_TEXTS = ["", "!!! wow ! (((deeply))) nested, 3.14 & 1,000,000", "Ünïcödé ﬁ ½ Ⅷ İstanbul ẞ", "日本語のテキスト 한국어 ไทย हिन्दी", "🐈‍⬛👩🏽‍🚀 e\u0301 \u200b\u00a0 \t tabs\nlines",
             "they're we'll I'D it's o'clock", "<|startoftext|> a <|endoftext|> b"]


def text(r):
    """A few words of the vocabulary, sometimes more than fit, sometimes none of it."""
    if r.random() < 0.25:
        return r.choice(ODD_TEXTS)
    return " ".join(r.choices(models.WORDS, k=r.choice([1, 5, 12, 120])))


def width(r, groups, heads, low, high):
    """A number of channels that heads divide, and groups into more than one each: torch's own variance of a single
    channel can be off by more than a check allows."""
    step = math.lcm(2 * groups, heads)
    return step * r.randint(-(-low // step), max(high // step, -(-low // step)))


def size(r):
    """A size that no other model has; the topology is SDXL's."""
    heads = [r.choice([1, 2, 3, 4]) for _ in range(5)]
    groups, vae_groups = r.choice([2, 4, 8]), r.choice([2, 4, 8])
    return dict(
        text_l=dict(hidden_size=width(r, 1, heads[0], 16, 48), intermediate_size=r.randint(40, 120), num_hidden_layers=r.randint(2, 4), num_attention_heads=heads[0]),
        text_g=dict(hidden_size=width(r, 1, heads[1], 16, 64), intermediate_size=r.randint(40, 160), num_hidden_layers=r.randint(2, 4), num_attention_heads=heads[1],
                    projection_dim=r.randint(16, 64)),
        unet=dict(block_out_channels=tuple(width(r, groups, 2 * h, 16, 64) for h in heads[2:]), layers_per_block=r.randint(1, 3),
                  transformer_layers_per_block=[r.randint(1, 3) for _ in range(3)], attention_head_dim=heads[2:], norm_num_groups=groups,
                  use_linear_projection=r.random() < 0.7, addition_time_embed_dim=2 * r.randint(3, 20)),
        vae=dict(block_out_channels=tuple(width(r, vae_groups, 1, 8, 32) for _ in range(4)), layers_per_block=r.randint(1, 2), norm_num_groups=vae_groups,
                 scaling_factor=r.choice([0.13025, 0.18215, 0.5]), force_upcast=r.random() < 0.5),
        sample_size=r.randint(6, 14), sampler=r.choice([*models.SCHEDULERS]),
        scheduler=dict(timestep_spacing=r.choice(["leading", "linspace", "trailing"])), gain=r.choice([1.0, 0.02]))


def case(r, name, prompt, sampler):
    """The parameters of one picture; what is left out is for the model's folder to say, as its sampler."""
    c = dict(name=name, prompt=prompt or text(r), steps=r.randint(3, 12), seed=r.randrange(2**48))
    if r.random() < 0.3:
        c.update(image=True, strength=r.choice([0.35, 0.6, 0.75, 1.0]))
    else:
        c.update(width=8 * r.randint(4, 16), height=8 * r.randint(4, 16))
        for key in ("original", "crop", "target"):
            if r.random() < 0.3:
                c[key] = [r.randint(0, 1500), r.randint(0, 1500)]
    choices = dict(negative=["", text(r)], cfg=[1.0, 2.5, 5.0, 7.5], guidance_rescale=[0.0, 0.3, 0.8], sampler=[*models.SCHEDULERS], schedule=["normal", "karras"],
                   spacing=["leading", "linspace", "trailing"], batch=[1, 2])
    for key, values in choices.items():
        if r.random() < 0.7:
            c[key] = r.choice(values)
    if c.get("sampler", sampler) == "euler_a":
        c.pop("schedule", None)  # diffusers' has the normal one only
    return c


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("out", type=pathlib.Path)
    args.add_argument("--seed", type=int, required=True)
    args.add_argument("--size", choices=["random", *models.SIZES], default="random", help="of the models")
    args.add_argument("--prompt", help="for every picture; at random where not given")
    args.add_argument("--pictures", type=int, default=10, help="of each model")
    args = args.parse_args()
    torch.set_num_threads(1)
    for name in models.SIZES:
        r = random.Random(f"{args.seed} {name}")
        s = size(r) if args.size == "random" else models.SIZES[args.size]
        # diffusers tells the text encoders of a single file apart by their widths.
        single = s["text_l"]["hidden_size"] != s["text_g"]["hidden_size"]
        make(s, r.randrange(2**32), args.out / name, single,
             texts=[text(r) for _ in range(4)],
             unet=[(r.randint(1, 3), r.randint(4, 20), r.randint(4, 20), r.choice([0.0, 1000 * r.random(), float(r.randint(1, 999))])) for _ in range(4)],
             cases=[case(r, f"picture-{k:02d}", args.prompt, s["sampler"]) for k in range(args.pictures)],
             picture=pictures.input_picture(r.randint(40, 120), r.randint(40, 120)))
