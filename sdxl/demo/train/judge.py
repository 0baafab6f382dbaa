"""An analytic judge: finds the objects of a picture and names their shape and colour. Nothing in it is trained.

    python judge.py      scores renders of held-out scenes, the best that pictures can reach

It reads flat pictures on a background of one colour: what differs from the border is an object, and its median colour is matched
with the palette. How much of each pixel it covers is read off the blend of its colour with that behind it, and the shape is the
one whose coverage, scaled to the same area and centred at the same place, differs least: edges may be soft, as an autoencoder leaves them.
"""
import argparse
from dataclasses import dataclass

import numpy as np

import scenes
from paint import RGB
from shapes import FIELDS

SMALLEST = 60                                             # pixels of an object
DIFFERENT = 0.12                                          # distance in RGB 0..1 from the background
REACH = 3                                                 # pixels that a soft edge goes beyond an object
DEGREES = (-12, -6, 0, 6, 12)                             # of rotation
SOFTNESS = (1.5, 3.0)                                     # pixels from covered to not covered


@dataclass
class Thing:
    """What was found at x, y (pixels)."""
    shape: str
    color: int
    x: float
    y: float


def _geometry(field, n=400, reach=1.3):
    """Area of a shape of radius 1, and its middle."""
    g = (np.arange(n) + 0.5) * (2 * reach / n) - reach
    ys, xs = np.nonzero(field(g[None, :], g[:, None]) < 0)
    return len(xs) * (2 * reach / n) ** 2, g[xs].mean(), g[ys].mean()


GEOMETRY = {name: _geometry(field) for name, field in FIELDS.items()}


def shape_of(coverage):
    """The shape of a map of coverage [h, w], 0..1, by least squares."""
    total, best, found = coverage.sum(), np.inf, ""
    y, x = np.arange(len(coverage))[:, None], np.arange(coverage.shape[1])[None]
    y, x = y - (coverage * y).sum() / total, x - (coverage * x).sum() / total
    for name, (area, mx, my) in GEOMETRY.items():
        r = np.sqrt(total / area)
        for degrees in DEGREES:
            c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
            d = FIELDS[name]((c * x + s * y) / r + mx, (c * y - s * x) / r + my) * r
            for softness in SOFTNESS:
                miss = ((np.clip(0.5 - d / softness, 0, 1) - coverage) ** 2).sum()
                if miss < best:
                    best, found = miss, name
    return found


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


def _color(color):
    return int(((RGB - color) ** 2).sum(1).argmin())


def _background(img):
    return np.median(np.concatenate([img[:3].reshape(-1, 3), img[-3:].reshape(-1, 3), img[:, :3].reshape(-1, 3), img[:, -3:].reshape(-1, 3)]), 0)


def _foreground(img, background):
    return np.sqrt(((img - background) ** 2).sum(2)) > DIFFERENT


def _largest(mask):
    return max(parts(mask), key=lambda p: len(p[0]), default=(np.empty(0, int),) * 2)


def _mask(like, part):
    mask = np.zeros(like.shape[:2], bool)
    mask[part] = True
    return mask


def _grow(mask):
    """The mask and what lies within REACH of it, across and down."""
    for _ in range(REACH):
        m = np.pad(mask, 1)
        mask = m[1:-1, 1:-1] | m[:-2, 1:-1] | m[2:, 1:-1] | m[1:-1, :-2] | m[1:-1, 2:]
    return mask


def _coverage(img, own, behind):
    """The share of `own` in each pixel, a blend of it with the colour `behind`."""
    d = own - behind
    return np.clip(((img - behind) @ d) / max(d @ d, 1e-9), 0, 1)


def _cores(img, background):
    """The objects, each without what is nearer to the background's colour than to its own: a soft edge may touch another's."""
    for part in parts(_foreground(img, background)):
        if len(part[0]) < SMALLEST:
            continue
        colors = img[part]
        near = ((colors - background) ** 2).sum(1) <= ((colors - np.median(colors, 0)) ** 2).sum(1)
        mask = _mask(img, part)
        mask[part[0][near], part[1][near]] = False
        yield from (p for p in parts(mask) if len(p[0]) >= SMALLEST)


def read(image):
    """The things in a uint8 picture [h, w, 3]."""
    img, things = image.astype(np.float64) / 255, []
    background = _background(img)
    cores = list(_cores(img, background))
    everything = _mask(img, tuple(np.concatenate(v) for v in zip(*cores))) if cores else None
    for ys, xs in cores:
        own = np.median(img[ys, xs], 0)
        near = _mask(img, (ys, xs))
        near = _grow(near) & (near | ~everything)
        shape = shape_of(_coverage(img, own, background) * near)
        things.append(Thing(shape, _color(own), (xs.min() + xs.max() + 1) / 2, (ys.min() + ys.max() + 1) / 2))
    return things


def read_inside(image, outer, inner):
    """The largest thing, and the part of it that is nearer to the colour `inner` than to `outer`."""
    img = image.astype(np.float64) / 255
    background = _background(img)
    body, things = np.ones(img.shape[:2], bool), []
    for hole in parts(~_foreground(img, background)):     # what the background does not reach belongs to the body
        body[hole] = min(hole[0].min(), hole[1].min()) > 0
    inside = body & (((img - RGB[inner]) ** 2).sum(2) < ((img - RGB[outer]) ** 2).sum(2))
    inside[[0, -1]] = inside[:, [0, -1]] = False
    body, inside = _mask(img, _largest(body)), _mask(img, _largest(inside))
    colors = [np.median(img[m], 0) if m.sum() >= SMALLEST else None for m in (body & ~inside, inside)]
    if colors[0] is not None:
        near = _grow(inside)
        shape = shape_of(np.where(near & body, 1, _coverage(img, colors[0], background)) * _grow(body))
        things.append(_thing(shape, colors[0], body))
        if colors[1] is not None:
            things.append(_thing(shape_of(_coverage(img, colors[1], colors[0]) * (near & body)), colors[1], inside))
    return things


def _thing(shape, color, mask):
    ys, xs = np.nonzero(mask)
    return Thing(shape, _color(color), xs.mean(), ys.mean())


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
