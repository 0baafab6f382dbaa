"""Draws the loss curves of a run: VAE reconstruction (dB) and UNet loss over hours of training.

    python plot.py --run DIR --out curves.png
"""
import argparse
import csv
import os

from PIL import Image, ImageDraw

W, H, MARGIN = 420, 280, 46


def read(path, column):
    with open(path, newline="") as f:
        return [(float(r[0]) / 60, float(r[column])) for r in csv.reader(f)]


def panel(pen, left, title, points):
    """One line chart with ticks at its corners."""
    xs, ys = zip(*points)
    x0, x1, y0, y1 = min(xs), max(xs), min(ys), max(ys)
    box = (left + MARGIN, MARGIN, left + W - 12, H - 36)
    at = lambda x, y: (box[0] + (x - x0) / (x1 - x0 or 1) * (box[2] - box[0]), box[3] - (y - y0) / (y1 - y0 or 1) * (box[3] - box[1]))
    pen.text((left + MARGIN, 14), title, fill="black", font_size=13)
    for k in range(5):
        x, y = x0 + (x1 - x0) * k / 4, y0 + (y1 - y0) * k / 4
        pen.line([(box[0], at(x, y)[1]), (box[2], at(x, y)[1])], fill="#dddddd")
        pen.text((left + 4, at(x, y)[1] - 6), f"{y:.3g}", fill="black", font_size=11)
        pen.text((at(x, y)[0] - 8, box[3] + 6), f"{x:.0f}", fill="black", font_size=11)
    pen.text((box[2] - 44, H - 16), "minutes", fill="black", font_size=11)
    pen.line([at(x, y) for x, y in points], fill="#2050d0", width=2)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    image = Image.new("RGB", (2 * W, H), "white")
    pen = ImageDraw.Draw(image)
    panel(pen, 0, "VAE: PSNR on held-out scenes, dB", read(os.path.join(a.run, "vae.csv"), 5))
    panel(pen, W, "UNet and text encoders: min-SNR loss", read(os.path.join(a.run, "unet.csv"), 2))
    image.save(a.out)


if __name__ == "__main__":
    main()
