"""A contact sheet of fixed captions, one seed, nothing picked.

    python sheet.py --model FOLDER --out sheet.png
"""
import argparse
import textwrap

import torch
from PIL import Image, ImageDraw

from score import draw, load_model

CAPTIONS = """a red circle above a blue square
a blue square above a red circle
three small yellow stars on a dark blue background
a striped green ring left of a pink heart
pixel art of an orange triangle
a watercolor painting of a purple flower
a 3d render of a red heart
a neon sign of a cyan star
a pencil sketch of a green hexagon
line art of a blue flower
low poly red diamond on a light green background
a photo of a green circle on a gray background
a large yellow moon in a starry night sky
two red hearts on a pink gradient background
a blue circle, a green square and a red triangle
a small white heart inside a large red circle
a brown cross in the top left corner
a dotted orange diamond below a gray oval
four purple squares on a yellow background
a pink flower on a green meadow
an outlined red square right of a cyan circle
a 3d render of a green circle left of an orange diamond
a yellow triangle on top of a purple square, watercolor
a white moon at the bottom on a black background
three blue flowers in a row""".split("\n")
COLUMNS, CELL_W, CELL_H = 5, 156, 164


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", help="a training run: its averaged weights")
    p.add_argument("--model", help="an exported model folder")
    p.add_argument("--out", required=True)
    p.add_argument("--cfg", type=float, default=5.0)
    p.add_argument("--seed", type=int, default=3)
    a = p.parse_args()
    torch.set_num_threads(2)
    images = draw(*load_model(a.run, a.model), CAPTIONS, cfg=a.cfg, seed=a.seed)
    sheet = Image.new("RGB", (CELL_W * COLUMNS, CELL_H * (len(CAPTIONS) // COLUMNS)), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (caption, image) in enumerate(zip(CAPTIONS, images)):
        x, y = i % COLUMNS * CELL_W, i // COLUMNS * CELL_H
        sheet.paste(Image.fromarray(image), (x + 14, y + 32))
        pen.text((x + 4, y + 4), "\n".join(textwrap.wrap(caption, 28)), fill="black", font_size=10)
    sheet.save(a.out)


if __name__ == "__main__":
    main()
