"""Makes the golden models and their reference values:

    python make_goldens.py ../testdata
"""
import argparse
import pathlib
import shutil

import torch

import components
import models
import pictures
import single_file

SEEDS = {"a": 1, "b": 2, "c": 3}


def make(size, seed, out, single, texts=components.TEXTS, unet=components.UNET_CASES, cases=pictures.CASES, picture=pictures.input_picture()):
    """One model below out: model/, parts/, pictures/ and, if single, single.safetensors."""
    shutil.rmtree(out, ignore_errors=True)
    pipe = models.build(size, seed, out / "model")
    g = torch.Generator().manual_seed(seed + 100)
    components.write_text(pipe, out / "parts", texts)
    components.write_unet(pipe, out / "parts", g, unet)
    components.write_vae(pipe, out / "parts", g)
    pictures.write(pipe, out / "pictures", cases, picture)
    if single:
        single_file.write(pipe, out / "single.safetensors", out / "model")


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("out", type=pathlib.Path)
    torch.set_num_threads(1)
    root = args.parse_args().out
    for name, seed in SEEDS.items():
        cases = pictures.CASES if name != "c" else pictures.CASES[:1]
        make(models.SIZES[name], seed, root / name, single=name == "b", cases=cases)
