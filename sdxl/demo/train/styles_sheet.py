"""The look of every style in the renderer: one row of scenes for each.

    python styles_sheet.py --out sheet.png
"""
import argparse

import numpy as np
from PIL import Image, ImageDraw

import scenes


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True)
    p.add_argument("--columns", type=int, default=4)
    a = p.parse_args()
    rng, half = np.random.default_rng(1), (len(scenes.STYLES) + 1) // 2
    block = 100 + 132 * a.columns
    sheet = Image.new("RGB", (2 * block, 132 * half), "white")
    pen = ImageDraw.Draw(sheet)
    for i, style in enumerate(scenes.STYLES):
        x, y = i // half * block, i % half * 132
        pen.text((x + 4, y + 60), style, fill="black", font_size=10)
        for j in range(a.columns):
            spec, _ = scenes.make(rng, kind=scenes.KINDS[j % 3], style=style)
            sheet.paste(Image.fromarray(scenes.render(spec, rng)[0]), (x + 100 + 132 * j, y + 2))
    sheet.save(a.out)


if __name__ == "__main__":
    main()
