"""Pictures that diffusers makes with the model in the box:

    python demo_refs.py ../../../sdxl/demo/model ../../../sdxl/demo/testdata
"""
import argparse
import pathlib
import shutil

import torch

import models
import pictures

CASES = [
    dict(name="first", prompt="a red circle above a blue square", steps=20, seed=1, cfg=5.0, sampler="dpmpp_2m", schedule="karras", width=128, height=128),
    dict(name="wide", prompt="three small yellow stars on a dark blue background", negative="circle", steps=8, seed=2, cfg=4.0, sampler="euler", width=160,
         height=96),
]

if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("model", type=pathlib.Path)
    args.add_argument("out", type=pathlib.Path)
    a = args.parse_args()
    torch.set_num_threads(1)
    shutil.rmtree(a.out, ignore_errors=True)
    pictures.write(models.load(a.model), a.out, CASES)
