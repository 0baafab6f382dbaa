"""What each style does to a background and to an object.

A look is a pair of functions. `ground(img, scene)` changes the painted background in place or gives a new one;
`draw(p, o, f)` paints one object over the pixels p, where f is a Field. Details are no finer than about 4 pixels,
and fine grids have a period of 8, 16 or 32 that begins at the picture's corner, because an autoencoder of factor 8 sees no more.
"""
from dataclasses import dataclass

import numpy as np

from noise import COARSE, FINE, facets, tile

INK = np.float32([.07, .07, .09])
PAPER = np.float32([.97, .97, .96])
GOLD = np.float32([1., .8, .35])
MAGENTA, CYAN = np.float32([.95, .1, .75]), np.float32([.1, .75, .95])
LUMA = np.float32([.3, .59, .11])


@dataclass
class Field:
    """Where an object lies, for the pixels of its box."""
    d: np.ndarray        # distance in pixels, negative inside
    distance: object     # the same at shape coordinates moved by (dx, dy) pixels
    x: np.ndarray        # the shape's own axes, 1 at its radius
    y: np.ndarray
    dx: np.ndarray       # the picture's axes, from the object's middle, 1 at its radius
    dy: np.ndarray
    px: np.ndarray       # pixel columns [w] and rows [h]
    py: np.ndarray
    r: float             # radius in pixels
    color: np.ndarray    # the colour asked for
    fill: np.ndarray     # colour with the texture on it
    mottle: np.ndarray   # a patch of noise
    outlined: bool


def coverage(d, softness=1.0):
    return np.clip(0.5 - d / softness, 0, 1)


def blend(dst, alpha, color):
    dst += alpha[..., None] * (color - dst)


def axes(h, w):
    """Rows and columns, -1 to 1."""
    return (np.linspace(-1, 1, h, dtype=np.float32)[:, None], np.linspace(-1, 1, w, dtype=np.float32)[None, :])


def _vignette(img, depth, start=0.35):
    y, x = axes(*img.shape[:2])
    img *= (1 - depth * np.clip((x * x + y * y) * 0.6 - start, 0, 1))[..., None]


def _shadow(p, d, drop, depth=0.42, softness=2.0):
    """Darkens what lies `drop` pixels below and right of the object."""
    moved = np.full_like(d, 99)
    moved[drop:, drop:] = d[:-drop, :-drop]
    p *= 1 - depth * coverage(moved, drop * softness)[..., None]


def _outline(p, f, half, color, alpha=0.95):
    blend(p, np.clip(half + 0.5 - abs(f.d), 0, 1) * alpha, color)


def _lit(f, gloss, steep=0.22):
    """A rounded body in light from the upper left."""
    light = -(f.dx + f.dy) * steep + np.clip(f.d / f.r, -0.4, 0) * -0.35 - 0.05
    shine = (np.exp(-((f.dx + .33) ** 2 + (f.dy + .33) ** 2) * 14) * gloss)[..., None]
    body = f.fill * (1 + light[..., None])
    return body + shine * (1 - body)


# Plain pictures -------------------------------------------------------------------------------------------------

def plain(img, scene):
    return img


def flat(p, o, f):
    blend(p, coverage(f.d), f.fill)


def blocks(p, o, f):
    blend(p, (f.d < 0).astype(np.float32), f.fill)


# Drawn by hand --------------------------------------------------------------------------------------------------

def washed_paper(img, scene):
    h, w = img.shape[:2]
    return img * 0.85 + 0.13 + (tile(COARSE, scene.rng, h, w) * 0.05 + tile(FINE, scene.rng, h, w) * 0.02)[..., None]


def watercolor(p, o, f):
    rim = np.exp(-(f.d + 1.5) ** 2 * 0.15) * 0.22
    blend(p, coverage(f.d, 2) * 0.92, f.fill * 0.82 + 0.16 + (f.mottle - rim)[..., None])


def sketch_paper(img, scene):
    return img * 0.25 + 0.72


def sketch(p, o, f):
    hatch = np.clip(np.sin((f.px[None, :] + f.py[:, None]) * (2 * np.pi / 8)) * 1.2 + .6, 0, 1) * 0.65 + .25
    blend(p, coverage(f.d) * hatch, f.fill)
    _outline(p, f, 1.1, 0.25, 0.8)


def white_paper(img, scene):
    return img * 0.12 + 0.86


def line_art(p, o, f):
    """An ink contour, and inside it one of the object's colour; no fill."""
    blend(p, coverage(f.d) * 0.12, f.color)
    blend(p, np.clip(2.6 - abs(f.d + 4.5), 0, 1) * 0.9, f.fill)
    _outline(p, f, 1.0, INK)


def pastel_light(img, scene):
    """Pale colour with a wide beam of light across."""
    y, x = axes(*img.shape[:2])
    img = img * 0.62 + 0.36
    beam = np.clip(1 - abs(x + y * 0.6 - 0.35) * 3.2, 0, 1) * 2
    img += (np.clip(beam, 0, 1) * 0.75)[..., None] * (1 - img) * 0.9
    return img


def cel(p, o, f):
    """Two tones with a hard edge, a white glint and an ink contour."""
    dark = coverage((0.28 - (f.dx + f.dy) * 0.75) * f.r * 0.6)
    blend(p, coverage(f.d), f.fill * (1 - 0.38 * dark)[..., None])
    glint = (np.hypot(f.dx + .28, (f.dy + .3) * 1.5) - .2) * f.r
    blend(p, coverage(glint) * coverage(f.d + 3), 1.0)
    _outline(p, f, 1.3, INK)


def halftone_panel(img, scene):
    """Dots of a darker tone, a white gutter and an ink frame."""
    h, w = img.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) + 0.5
    dots = np.hypot(x % 8 - 4, y % 8 - 4)
    size = 1.2 + 2.0 * (y / h)
    img = img + 0.1 * (1 - img)
    blend(img, coverage(dots - size, 1.5) * 0.5, img * 0.45)
    edge = np.minimum(np.minimum(x, w - x), np.minimum(y, h - y))
    blend(img, coverage(edge - 6), INK)
    blend(img, coverage(edge - 3.5), PAPER)
    return img


def comic(p, o, f):
    dots = np.hypot(f.px[None, :] % 8 - 4, f.py[:, None] % 8 - 4)
    shade = coverage(dots - np.clip(1.5 + (f.dx + f.dy) * 2.2, 0, 4), 1.5) * ((f.dx + f.dy) > 0)
    blend(p, coverage(f.d), f.fill)
    blend(p, coverage(f.d) * shade * 0.45, f.color * 0.35)
    _outline(p, f, 2.3, INK, 1.0)


# Painted on a screen --------------------------------------------------------------------------------------------

def diagonal_glow(img, scene):
    """From the background's colour to a deep violet, with a soft light in the middle."""
    y, x = axes(*img.shape[:2])
    t = np.clip(0.5 + (x + y) * 0.42, 0, 1)[..., None]
    img = img * (1 - 0.75 * t) + np.float32([.28, .16, .55]) * 0.75 * t
    return img + (np.exp(-(x * x + y * y) * 2.2) * 0.35)[..., None] * (1 - img)


def digital(p, o, f):
    """Light above, deep colour below, and a rim that glows."""
    t = np.clip(0.5 + f.dy * 0.6, 0, 1)[..., None]
    p += (np.exp(-np.maximum(f.d, 0) / 4) * 0.45)[..., None] * (1 - p)
    body = f.fill * (1.12 - 0.5 * t) + 0.42 * np.clip(0.55 - t, 0, 1)
    blend(p, coverage(f.d), body)
    blend(p, np.clip(1.5 - abs(f.d + 2), 0, 1) * 0.65, 0.35 + 0.65 * f.color)


def crisp_vignette(img, scene):
    img = np.clip((img - 0.5) * 1.2 + 0.5, 0, 1)
    y, x = axes(*img.shape[:2])
    edge = np.maximum(abs(x), abs(y)) ** 3
    return img * (1 - 0.75 * edge)[..., None]


def crisp(p, o, f):
    """A white halo, a dark rim and strong colour, as of a picture sharpened too far."""
    blend(p, np.clip(1 - abs(f.d - 3) / 3, 0, 1) * 0.85, 1.0)
    gray = (f.fill @ LUMA)[..., None]
    strong = np.clip((f.fill - gray) * 1.25 + gray, 0, 1)
    blend(p, coverage(f.d), strong)
    blend(p, np.clip(1.8 - abs(f.d + 1.3), 0, 1) * 0.8, f.color * 0.3)


def violet_mist(img, scene):
    """Deep violet with mist, and gold sparks."""
    h, w = img.shape[:2]
    y, x = axes(h, w)
    img = img * 0.38 + np.float32([.13, .05, .26]) + (tile(COARSE, scene.rng, h, w) * 0.05)[..., None] * np.float32([1, .6, 1.3])
    img *= (1.1 - 0.45 * (x * x + y * y))[..., None]
    py, px = np.mgrid[0:h, 0:w].astype(np.float32)
    for _ in range(9):
        cx, cy, s = scene.rng.uniform(4, w - 4), scene.rng.uniform(4, h - 4), scene.rng.uniform(2.5, 5)
        dx, dy = abs(px - cx), abs(py - cy)
        blend(img, np.clip(1.3 - (dx + dy + 3 * np.sqrt(dx * dy)) / s, 0, 1), GOLD)
    return img


def enchanted(p, o, f):
    p += (np.exp(-np.maximum(f.d, 0) / 4.5) * 0.75)[..., None] * np.clip(GOLD - p, 0, 1)
    blend(p, coverage(f.d), f.fill * (1.0 - 0.25 * f.dy)[..., None])
    blend(p, np.clip(1.8 - abs(f.d), 0, 1), GOLD)


# Lit like things ------------------------------------------------------------------------------------------------

def studio(img, scene):
    """Light from above on a wall that turns into a floor."""
    y, x = axes(*img.shape[:2])
    return img * (1.0 - 0.28 * np.clip(abs(y - 0.45) * -2.2 + 1, 0, 1) - 0.1 * x * x)[..., None]


def body_3d(p, o, f):
    _shadow(p, f.d, 5)
    blend(p, coverage(f.d), _lit(f, 0.85, 0.3))


def out_of_focus(img, scene):
    """A far edge out of focus, the floor darker, and soft round lights."""
    h, w = img.shape[:2]
    y, x = axes(h, w)
    img = img * (0.97 - 0.3 / (1 + np.exp(-(y - 0.3) * 9)) - 0.12 * x * x)[..., None]
    py, px = np.mgrid[0:h, 0:w].astype(np.float32)
    for _ in range(5):
        cx, cy, s = scene.rng.uniform(0, w), scene.rng.uniform(0, h * .55), scene.rng.uniform(7, 12)
        blend(img, coverage(np.hypot(px - cx, py - cy) - s, 4) * 0.22, 1.0)
    return img


def body_photo(p, o, f):
    _shadow(p, f.d, 7, 0.5)
    blend(p, coverage(f.d, 1.5), _lit(f, 0.5, 0.16) * 0.96)


def faded_film(img, scene):
    """Warm, faded, darker corners, and a light leak at one side."""
    y, x = axes(*img.shape[:2])
    img = _faded(img)
    _vignette(img, 0.8)
    side = x if scene.rng.random() < 0.5 else -x
    leak = np.clip((side - 0.45) * 1.8, 0, 1) * (0.75 + 0.25 * np.cos(y * 3))
    blend(img, leak * 0.85, np.float32([1.0, .45, .15]))
    return img


def _faded(c):
    gray = (c @ LUMA)[..., None]
    return (c * 0.62 + gray * 0.38) * 0.72 * np.float32([1.06, .98, .82]) + np.float32([.17, .14, .1])


def film(p, o, f):
    _shadow(p, f.d, 4, 0.3)
    leak = p.copy()
    blend(p, coverage(f.d, 2), _faded(f.fill) * (1 - (f.dx + f.dy)[..., None] * 0.12))
    leaked = np.clip((leak[..., 0] - leak[..., 2] - 0.55) * 2, 0, 0.6) * (f.d < 0)
    blend(p, leaked * 0.5, leak)


def wide_screen(img, scene):
    """Teal shadows, warm light, and black bars that finish() draws."""
    y, x = axes(*img.shape[:2])
    img = img * 0.62 + np.float32([.0, .09, .13])
    light = np.exp(-((x + 0.5) ** 2 + (y + 0.2) ** 2) * 1.4)[..., None]
    return img * (0.62 + 0.62 * light) + light * np.float32([.16, .07, .0])


def bars(img, scene):
    h = img.shape[0]
    bar = max(8, int(round(h * BAR / 8)) * 8)
    img[:bar] = img[h - bar:] = 0.01


BAR = 0.125                                                # of the height, above and below


def screen_body(p, o, f):
    _shadow(p, f.d, 6, 0.5)
    side = np.clip(0.5 + (f.dx + f.dy * .4) * 0.6, 0, 1)[..., None]
    blend(p, coverage(f.d, 1.5), f.fill * (1.12 - 0.5 * side) + np.float32([.1, .05, .0]) * (1 - side) + np.float32([.0, .05, .08]) * side)


def table(img, scene):
    h, w = img.shape[:2]
    return img * 0.8 + 0.1 + (tile(COARSE, scene.rng, h, w) * 0.05)[..., None]


def clay(p, o, f):
    """A thick, dull body with prints of fingers in it."""
    _shadow(p, f.d, 5, 0.5, 2.4)
    depth = np.clip(-f.d / (0.42 * f.r), 0, 1)
    edge = 1 - np.sqrt(1 - (1 - depth) ** 2)
    slope = np.clip((f.dx + f.dy) * 0.5, -.6, .6) * edge * 1.1
    prints = np.sin(np.hypot(f.dx - .3, f.dy - .2) * f.r * (2 * np.pi / 7)) * 0.07 * np.clip(np.hypot(f.dx + .1, f.dy + .2) * -2.2 + 1.5, 0, 1)
    tone = 0.95 - 0.25 * edge - slope + prints + f.mottle * 0.5
    blend(p, coverage(f.d, 1.5), f.fill * tone[..., None] + 0.04)


# Built and folded -----------------------------------------------------------------------------------------------

def rhombi(img, scene):
    """A floor of rhombi with edges at 30 degrees."""
    h, w = img.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    u, v = (x / 32 + y / 18.475 + 16), (x / 32 - y / 18.475 + 16)
    return img * (1.0 - 0.13 * ((np.floor(u) + np.floor(v)) % 2))[..., None]


def prism(p, o, f):
    """The shape as the front of a prism whose edges run back at 30 degrees."""
    depth = int(round(0.42 * f.r))
    side = np.full_like(f.d, 99)
    for k in range(1, depth + 1):
        np.minimum(side, f.distance(k * 0.866, -k * 0.5), out=side)
    blend(p, coverage(side), f.color * 0.52)
    # What the light from above falls on is where the edge runs level.
    top = f.distance(0, -depth * 0.5) < f.distance(depth * 0.866, 0)
    blend(p, coverage(side) * top, f.color * 0.62 + 0.3)
    blend(p, np.clip(1.4 - abs(side), 0, 1) * 0.6, f.color * 0.25)
    blend(p, coverage(f.d), f.fill)
    blend(p, np.clip(1.3 - abs(f.d), 0, 1) * 0.75, f.color * 0.25)


def mesh(img, scene):
    h, w = img.shape[:2]
    g = np.arange(max(h, w), dtype=np.float32) + 0.5
    return img * (1 + facets(g[:w] + scene.left, g[:h] + scene.top, 20.0) * 0.16)[..., None]


def low_poly(p, o, f):
    b = facets(f.px + 7, f.py + 3, 13.0)[..., None]
    blend(p, coverage(f.d), f.fill * (1 + b * 0.34) + b * 0.06)


def soft_paper(img, scene):
    y, x = axes(*img.shape[:2])
    return (img * 0.5 + 0.46) * (1.0 - 0.08 * (x + y))[..., None]


def folded(p, o, f):
    """Eight folds that meet in the middle, light and dark by turns, with bright creases."""
    _shadow(p, f.d, 5, 0.45, 1.6)
    turn = np.arctan2(f.y, f.x) * (8 / (2 * np.pi)) + 0.5
    k = np.floor(turn).astype(int) % 8
    tone = np.float32([1.0, .72, .9, .6, .78, 1.08, .86, 1.15])[k]
    blend(p, coverage(f.d), f.fill * tone[..., None] + np.clip(tone - 1, 0, 1)[..., None])
    near = abs(turn - np.round(turn)) * (2 * np.pi / 8) * np.hypot(f.dx, f.dy) * f.r
    blend(p, coverage(f.d) * np.clip(1.2 - near, 0, 1) * 0.6, 0.75 + 0.25 * f.color)


def dark_street(img, scene):
    """Nearly black, magenta from one side and cyan from the other."""
    y, x = axes(*img.shape[:2])
    img = img * 0.12 + 0.01
    img += (np.exp(-((x + 1.05) ** 2 * 2.2)) * 0.55 * (0.7 + 0.3 * y))[..., None] * MAGENTA
    img += (np.exp(-((x - 1.05) ** 2 * 2.2)) * 0.5 * (0.7 - 0.3 * y))[..., None] * CYAN
    return img


def neon(p, o, f):
    glow = np.maximum(f.color, 0.16)
    if not f.outlined:
        blend(p, coverage(f.d) * 0.55, f.fill * 0.4)
    p += (np.exp(-abs(f.d) / 4.0) * 0.7)[..., None] * (glow - p * 0.5)
    blend(p, np.clip(2.2 - abs(f.d), 0, 1), glow * 0.75 + 0.25)


def tiles(img, scene):
    """Square tiles of 32 pixels with bright and dark edges; what is drawn is glazed on them."""
    h, w = img.shape[:2]
    x, y = (np.arange(n, dtype=np.float32) % 32 for n in (w, h))
    x, y = x[None, :], y[:, None]
    img *= (1.04 - 0.1 * ((x + y) / 62))[..., None]
    light, dark = np.minimum(x, y) < 4, np.maximum(x, y) >= 30
    img += (light * 0.3)[..., None] * (1 - img)
    img *= (1 - 0.72 * dark)[..., None]


def finish_none(img, scene):
    pass


# style: ground, draw, finish (over everything at the end)
LOOKS = {
    "flat": (plain, flat, finish_none),
    "3d-model": (studio, body_3d, finish_none),
    "analog-film": (faded_film, film, finish_none),
    "anime": (pastel_light, cel, finish_none),
    "cinematic": (wide_screen, screen_body, bars),
    "comic-book": (halftone_panel, comic, finish_none),
    "digital-art": (diagonal_glow, digital, finish_none),
    "enhance": (crisp_vignette, crisp, finish_none),
    "fantasy-art": (violet_mist, enchanted, finish_none),
    "isometric": (rhombi, prism, finish_none),
    "line-art": (white_paper, line_art, finish_none),
    "low-poly": (mesh, low_poly, finish_none),
    "modeling-compound": (table, clay, finish_none),
    "neon-punk": (dark_street, neon, finish_none),
    "origami": (soft_paper, folded, finish_none),
    "photographic": (out_of_focus, body_photo, finish_none),
    "pixel-art": (plain, blocks, finish_none),
    "tile-texture": (plain, flat, tiles),
    "watercolor": (washed_paper, watercolor, finish_none),
    "sketch": (sketch_paper, sketch, finish_none),
}
