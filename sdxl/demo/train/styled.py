"""Reads the object of a picture in a known style: renders what it could be in that style, and takes what differs least.

    python styled.py                       how often it is right on held-out renders of the presets' scenes, as they are and softened
    python styled.py --model ../model      what a model draws of them

Nothing in it is trained. It needs the background and the style that were asked; a picture in another style is read badly, and that is
what `easel bench quality --presets` counts.
"""
import argparse

import numpy as np
from PIL import Image, ImageFilter

import judge
import scenes
from benchmark import preset_scenes
from shapes import SHAPES
from style_judge import soften

BLUR = 1.5                                                # pixels, before pictures are compared
SEEDS = 2                                                 # renders of each candidate: grain and paper differ from one to the next
SIZES = (0.85, 1, 1.15)                                   # of the radius that the area says


def _soft(image):
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(BLUR)), np.float32) / 255


def _renders(spec, objects):
    return [_soft(scenes.render(dict(spec, objects=objects), np.random.default_rng(k))[0]) for k in range(SEEDS)]


def _place(image, empty):
    """Middle and area of what differs from the empty scene, more than one empty scene does from another."""
    grain = abs(empty[0] - empty[1]).max(2)
    off = np.minimum(*(abs(image - e).max(2) for e in empty))
    ys, xs = judge._largest(off > max(0.08, 3 * grain.mean(), 0.35 * off.max()))
    return None if len(ys) < judge.SMALLEST else ((xs.min() + xs.max() + 1) / 2, (ys.min() + ys.max() + 1) / 2, len(ys))


def read(image, spec):
    """The Thing in a uint8 picture that was to show `spec`, a scene of one object; None where there is nothing."""
    soft = _soft(image)
    place = _place(soft, _renders(spec, []))
    if place is None:
        return None
    x, y, area = place

    def miss(shape, color, size):
        o = dict(spec["objects"][0], shape=shape, color=color, x=x, y=y, r=size * np.sqrt(area / judge.GEOMETRY[shape][0]), rotation=0.0)
        return min(((soft - r) ** 2).mean() for r in _renders(spec, [o]))

    asked = spec["objects"][0]
    shape, size = min(((s, z) for s in SHAPES for z in SIZES), key=lambda c: miss(c[0], asked["color"], c[1]))
    color = min(range(len(scenes.COLOR_NAMES)), key=lambda c: miss(shape, c, size))
    if color != asked["color"]:                           # the shape may be another in its true colour
        shape = min(SHAPES, key=lambda s: miss(s, color, size))
    return judge.Thing(shape, color, x, y)


def right(image, spec):
    thing, o = read(image, spec), spec["objects"][0]
    return thing is not None and (thing.shape, thing.color) == (o["shape"], o["color"])


def table(specs, images):
    """Percentages for each style, as text."""
    hits = np.array([right(i, s) for i, s in zip(images, specs)])
    styles = np.array([s["style"] for s in specs])
    lines = [f"{style:18s} {100 * hits[styles == style].mean():3.0f} %" for style in scenes.PRESETS]
    return "\n".join([*lines, f"{'all':18s} {100 * hits.mean():3.0f} %"])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", help="an exported model folder")
    p.add_argument("--share", type=float, default=1.0, help="share of the scenes")
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    specs, captions = zip(*preset_scenes()[::round(1 / a.share)])
    if a.model:
        import torch
        from score import draw, load_model
        torch.set_num_threads(a.threads)
        prompts = [scenes.PRESETS[s["style"]]["prompt"].lower().replace("{prompt}", c) for s, c in zip(specs, captions)]
        print(table(specs, draw(*load_model(None, a.model), prompts, negative=[scenes.NEGATIVE[s["style"]] for s in specs])))
        return
    rng = np.random.default_rng(1)
    images = [scenes.render(s, rng)[0] for s in specs]
    print("renders\n" + table(specs, images))
    print("softened\n" + table(specs, [soften(i, rng) for i in images]))


if __name__ == "__main__":
    main()
