"""An analytic judge: finds the objects of a picture and names their shape and colour. Nothing in it is trained.

    python judge.py      scores renders of held-out scenes, the best that pictures can reach

It reads flat pictures on a background of one colour: what differs from the border is an object, its median colour is
matched with the palette and its silhouette with those of the shapes.
"""
import argparse
from dataclasses import dataclass

import numpy as np

import scenes
from paint import RGB
from shapes import FIELDS, SHAPES

SIDE = 32                                                 # of a normalised silhouette
SMALLEST = 60                                             # pixels of an object
DIFFERENT = 0.15                                          # distance in RGB 0..1 from the background


@dataclass
class Thing:
    """What was found at x, y (pixels)."""
    shape: str
    color: int
    x: float
    y: float


def _normalise(ys, xs):
    """Silhouette of pixels: longer side of the box to SIDE, centred."""
    x0, x1, y0, y1 = xs.min(), xs.max() + 1, ys.min(), ys.max() + 1
    size = max(x1 - x0, y1 - y0)
    mask = np.zeros((size, size), bool)
    mask[ys - y0 + (size - (y1 - y0)) // 2, xs - x0 + (size - (x1 - x0)) // 2] = True
    i = ((np.arange(SIDE) + 0.5) * size / SIDE).astype(int)
    return mask[np.ix_(i, i)]


def _templates():
    g = np.linspace(-1.3, 1.3, 128, dtype=np.float32)
    names, masks = [], []
    for name in SHAPES:
        for degrees in (-10, -5, 0, 5, 10):
            c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
            x, y = c * g[None] + s * g[:, None], c * g[:, None] - s * g[None]
            names.append(name)
            masks.append(_normalise(*np.nonzero(FIELDS[name](x, y) < 0)).ravel())
    return names, np.array(masks)


NAMES, TEMPLATES = _templates()


def shape_of(ys, xs):
    """The shape whose silhouette overlaps best (intersection over union)."""
    m = _normalise(ys, xs).ravel()
    return NAMES[int(((TEMPLATES & m).sum(1) / (TEMPLATES | m).sum(1)).argmax())]


def parts(mask):
    """Connected parts of a mask as (ys, xs), 4-neighbourhood."""
    mask = np.pad(mask, 1)
    width, flat, found = mask.shape[1], mask.ravel().copy(), []
    for start in np.flatnonzero(flat):
        if not flat[start]:
            continue
        flat[start], stack, cells = False, [start], []
        while stack:
            p = stack.pop()
            cells.append(p)
            for q in (p - 1, p + 1, p - width, p + width):
                if flat[q]:
                    flat[q] = False
                    stack.append(q)
        ys, xs = np.divmod(np.array(cells), width)
        found.append((ys - 1, xs - 1))
    return found


def _color(pixels):
    return int(((RGB - np.median(pixels, 0)) ** 2).sum(1).argmin())


def _background(img):
    return np.median(np.concatenate([img[:3].reshape(-1, 3), img[-3:].reshape(-1, 3), img[:, :3].reshape(-1, 3), img[:, -3:].reshape(-1, 3)]), 0)


def _foreground(img):
    return np.sqrt(((img - _background(img)) ** 2).sum(2)) > DIFFERENT


def _sharpen(img, ys, xs):
    """Leaves out what is nearer to the background's colour than to its own: a soft edge would make a hexagon rounder and a star fuller."""
    colors = img[ys, xs]
    kept = ((colors - _background(img)) ** 2).sum(1) > ((colors - np.median(colors, 0)) ** 2).sum(1)
    return (ys[kept], xs[kept]) if kept.sum() >= SMALLEST else (ys, xs)


def read(image):
    """The things in a uint8 picture [h, w, 3]."""
    img, things = image.astype(np.float32) / 255, []
    for ys, xs in parts(_foreground(img)):
        if len(ys) >= SMALLEST:
            things.append(Thing(shape_of(*_sharpen(img, ys, xs)), _color(img[ys, xs]), (xs.min() + xs.max() + 1) / 2, (ys.min() + ys.max() + 1) / 2))
    return things


def read_inside(image, outer, inner):
    """The largest thing, and the part of it that is nearer to the colour `inner` than to `outer`."""
    img = image.astype(np.float32) / 255
    body, things = np.ones(img.shape[:2], bool), []
    for hole in parts(~_foreground(img)):                 # what the background does not reach belongs to the body
        body[hole] = min(hole[0].min(), hole[1].min()) > 0
    inside = body & (((img - RGB[inner]) ** 2).sum(2) < ((img - RGB[outer]) ** 2).sum(2))
    inside[[0, -1]] = inside[:, [0, -1]] = False
    for mask, own in ((body, body & ~inside), (inside, inside)):
        ys, xs = max(parts(mask), key=lambda p: len(p[0]), default=(np.empty(0, int),) * 2)
        own = own[ys, xs]
        if own.sum() >= SMALLEST:
            things.append(Thing(shape_of(ys, xs), _color(img[ys[own], xs[own]]), xs.mean(), ys.mean()))
    return things


def score(spec, image):
    """-> every asked (shape, colour) is there; and also in its place and number, with nothing else."""
    asked = spec["objects"]
    things = read_inside(image, asked[0]["color"], asked[1]["color"]) if spec["kind"] == "inside" else read(image)
    left, pairs = list(things), []
    for o in asked:                                       # each asked object takes the nearest thing like it
        like = [t for t in left if (t.shape, t.color) == (o["shape"], o["color"])]
        if not like:
            return False, False
        t = min(like, key=lambda t: (t.x - o["x"]) ** 2 + (t.y - o["y"]) ** 2)
        left.remove(t)
        pairs.append((o, t))
    if left:
        return True, False
    if spec["kind"] == "single":
        o, t = pairs[0]
        return True, max(abs(o["x"] - t.x), abs(o["y"] - t.y)) < 20
    if spec["kind"] in ("count", "inside") or spec.get("relation") == "beside":
        return True, True
    for (oa, a), (ob, b) in zip(pairs, pairs[1:]):
        want, got = np.array([ob["x"] - oa["x"], ob["y"] - oa["y"]]), np.array([b.x - a.x, b.y - a.y])
        axis = int(abs(want).argmax())
        if got[axis] * np.sign(want[axis]) < 12:
            return True, False
    return True, True


def table(specs, images):
    """Percentages for each kind, as text."""
    results = np.array([score(s, i) for s, i in zip(specs, images)])
    lines = []
    for k in scenes.KINDS:
        i = [j for j, s in enumerate(specs) if s["kind"] == k]
        if i:
            found, right = results[i].mean(0) * 100
            lines.append(f"{k:9s} n {len(i):3d}  objects {found:3.0f} %  all right {right:3.0f} %")
    return "\n".join(lines)


def prompts(seed=777, counts=(50, 40, 70, 40, 20), held_out=True):
    """Scenes with captions, so many of each kind, with combinations that training never shows."""
    rng = np.random.default_rng(seed)
    return [scenes.make(rng, kind=k, held_out=held_out, plain=True) for k, n in zip(scenes.KINDS, counts) for _ in range(n)]


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    specs, rng = [s for s, _ in prompts()], np.random.default_rng(1)
    print(table(specs, [scenes.render(s, rng)[0] for s in specs]))


if __name__ == "__main__":
    main()
