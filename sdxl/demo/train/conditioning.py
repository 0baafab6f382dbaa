"""One caption and seed under different original sizes, crops and canvases: what size conditioning does.

    python conditioning.py --model FOLDER --out sheet.png
"""
import argparse

import torch
from PIL import Image, ImageDraw

from score import draw, load_model

# label, canvas (h, w), original size (h, w), crop (top, left)
CASES = [("as trained", (128, 128), (128, 128), (0, 0)), ("original 24 x 24", (128, 128), (24, 24), (0, 0)),
         ("original 48 x 48", (128, 128), (48, 48), (0, 0)), ("original 512 x 512", (128, 128), (512, 512), (0, 0)),
         ("crop top 32", (128, 128), (128, 128), (32, 0)), ("crop left 48", (128, 128), (128, 128), (0, 48)),
         ("canvas 96 x 160", (96, 160), (96, 160), (0, 0)), ("canvas 160 x 96", (160, 96), (160, 96), (0, 0))]
CELL_W, CELL_H = 172, 188


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--caption", default="a large red star on a light blue background")
    a = p.parse_args()
    torch.set_num_threads(2)
    bundle, vae = load_model(None, a.model)
    sheet = Image.new("RGB", (4 * CELL_W, 2 * CELL_H), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (label, size, original, crop) in enumerate(CASES):
        image = draw(bundle, vae, [a.caption], size=size, time_ids=[*original, *crop, *size])[0]
        x, y = i % 4 * CELL_W, i // 4 * CELL_H
        pen.text((x + 6, y + 4), label, fill="black", font_size=11)
        sheet.paste(Image.fromarray(image), (x + 6, y + 22))
    sheet.save(a.out)


if __name__ == "__main__":
    main()
