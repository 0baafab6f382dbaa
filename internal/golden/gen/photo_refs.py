"""Pictures with every EXIF orientation, and which way up Pillow's exif_transpose puts them:

    python photo_refs.py ../../photo/testdata
"""
import argparse
import pathlib

import numpy as np
from PIL import Image, ImageOps

if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("out", type=pathlib.Path)
    folder = args.parse_args().out
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8))
    for n in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = n
        picture.save(folder / f"{n}.png", exif=exif)
        picture.save(folder / f"{n}.webp", exif=exif, lossless=True)
        picture.resize((56, 40), Image.Resampling.NEAREST).save(folder / f"{n}.jpg", exif=exif, quality=95, subsampling=0)
        ImageOps.exif_transpose(Image.open(folder / f"{n}.png")).save(folder / f"{n}-up.png", exif=b"")
