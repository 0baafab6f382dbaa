"""Pictures resized by Pillow, which the reference resizes with:

    python resample_refs.py ../../resample/testdata
"""
import argparse
import pathlib

import numpy as np
from PIL import Image

if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("out", type=pathlib.Path)
    folder = args.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (29, 45, 3), dtype=np.uint8))
    picture.save(folder / "input.png")
    for name in ("lanczos", "bicubic", "bilinear", "box", "hamming"):
        (folder / name).mkdir(exist_ok=True)
        for size in ((40, 24), (48, 32), (45, 16), (8, 29), (104, 8), (5, 200), (38, 19)):
            picture.resize(size, resample=Image.Resampling[name.upper()]).save(folder / name / f"{size[0]}x{size[1]}.png")
