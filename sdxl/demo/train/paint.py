"""Draws a scene: its background, its objects with their textures, each in the look of the scene's style."""
from types import SimpleNamespace

import numpy as np

from looks import BAR, LOOKS, Field
from noise import COARSE, FINE, tile
from shapes import FIELDS

COLORS = {"red": (220, 35, 40), "green": (40, 165, 60), "blue": (35, 80, 215), "yellow": (250, 215, 40),
          "orange": (245, 135, 25), "purple": (130, 50, 180), "pink": (250, 130, 180), "cyan": (50, 205, 220),
          "brown": (120, 75, 40), "white": (250, 250, 250), "black": (20, 20, 22), "gray": (135, 135, 140)}
COLOR_NAMES = list(COLORS)
RGB = np.array(list(COLORS.values()), np.float32) / 255
STYLES = list(LOOKS)
TEXTURES = ["", "striped", "dotted", "checkered", "outlined"]


def _texture(name, x, y, r, color):
    """Colour at shape coordinates x, y of a shape of r pixels."""
    if name in ("", "outlined"):
        return np.broadcast_to(color, (*x.shape, 3))
    dark = color @ np.array([.3, .6, .1], np.float32) < 0.55
    second = color * 0.3 + 0.7 if dark else color * 0.45
    if name == "striped":
        m = np.clip(np.sin(y * r * (2 * np.pi / 11)) * 2.5 + .5, 0, 1)
    elif name == "dotted":
        p = 11 / r
        u, v = (x / p) % 1 - .5, (y / p) % 1 - .5
        m = np.clip((0.3 - np.sqrt(u * u + v * v)) * 11 + .5, 0, 1)
    else:
        k = 2 * np.pi * r / 16
        m = np.clip(np.sin(x * k) * np.sin(y * k) * 4 + .5, 0, 1)
    return color + m[..., None] * (second - color)


def _background(rng, bg, h, w):
    kind = bg[0]
    img = np.empty((h, w, 3), np.float32)
    if kind == "plain":
        img[:] = bg[1]
    elif kind == "gradient":
        t = ((np.arange(h, dtype=np.float32) + 0.5) / h)[:, None, None]
        img[:] = bg[1] * (1 - t) + bg[2] * t
    elif kind == "night":
        img[:] = (0.04, 0.05, 0.16)
        for _ in range(h * w // 1170):
            i, j = rng.integers(1, h - 3), rng.integers(1, w - 3)
            img[i:i + 2, j:j + 2] = 0.9
    else:
        img[:] = (0.55, 0.8, 0.98)
        img[int(h * rng.uniform(.6, .72)):] = (0.3, 0.68, 0.28)
    return img


def _place(o, style, h):
    """Middle and radius of an object in a style: wide screens have less height, low resolution needs larger things."""
    cy, r = o["y"], o["r"]
    if style == "cinematic":
        cy, r = h / 2 + (cy - h / 2) * (1 - 2 * BAR) * 0.97, r * 0.85
    elif style == "isometric":
        r *= 0.9
    elif style == "pixel-art":
        r *= 1.15
    return cy, np.float32(r)


def _field(spec, o, wobble, mottle):
    """The object's box in the picture, its Field there, and the distance to its whole shape; None outside of the picture."""
    style, h, w = spec["style"], spec["h"], spec["w"]
    cy, r = _place(o, style, h)
    cx, cy = o["x"] - spec["left"], cy - spec["top"]
    margin = r * (1.6 if style == "isometric" else 1.1) + 16
    x0, x1 = max(0, int(cx - margin)), min(w, int(cx + margin) + 1)
    y0, y1 = max(0, int(cy - margin)), min(h, int(cy + margin) + 1)
    if x1 - x0 < 8 or y1 - y0 < 8:
        return None, None, None
    px, py = np.arange(x0, x1, dtype=np.float32) + 0.5, np.arange(y0, y1, dtype=np.float32) + 0.5
    if style == "pixel-art":
        px, py = np.floor(px / 4) * 4 + 2, np.floor(py / 4) * 4 + 2
    c, s = np.float32(np.cos(o["rotation"])), np.float32(np.sin(o["rotation"]))
    dx, dy = (px - np.float32(cx))[None, :] / r, (py - np.float32(cy))[:, None] / r
    x, y = c * dx + s * dy, -s * dx + c * dy
    shape = FIELDS[o["shape"]]
    hollow = o["texture"] == "outlined"

    def distance(mx, my):
        ax, ay = dx - np.float32(mx) / r, dy - np.float32(my) / r
        d = shape(c * ax + s * ay, -s * ax + c * ay) * r
        return abs(d + 2.5) - 3.0 if hollow else d

    box = np.s_[y0:y1, x0:x1]
    d = shape(x, y) * r
    if style == "watercolor":
        d = d + wobble[box]
    elif style == "modeling-compound":
        d = d - 1 + 0.5 * wobble[box]
    whole = d
    if hollow:
        d = abs(d + 2.5) - 3.0
    color = RGB[o["color"]]
    dx, dy = np.broadcast_arrays(dx, dy)
    return box, Field(d=d, distance=distance, x=x, y=y, dx=dx, dy=dy, px=px, py=py, r=r, color=color,
                      fill=_texture(o["texture"], x, y, r, color), mottle=mottle[box], outlined=hollow), whole


def paint(spec, rng):
    """-> image float32 [h, w, 3] in 0..1, and the number of the object (1...) that owns each pixel, uint8 [h, w]."""
    style, h, w = spec["style"], spec["h"], spec["w"]
    ground, draw, finish = LOOKS[style]
    scene = SimpleNamespace(rng=rng, left=spec["left"], top=spec["top"])
    img = ground(_background(rng, spec["bg"], h, w), scene)
    owner = np.zeros((h, w), np.uint8)
    wobble = tile(COARSE, rng, h, w) * 2.2 + tile(FINE, rng, h, w)
    mottle = tile(FINE, rng, h, w) * 0.12 + tile(COARSE, rng, h, w) * 0.1
    for k, o in enumerate(spec["objects"]):
        box, field, whole = _field(spec, o, wobble, mottle)
        if box is None:
            continue
        owner[box][whole < 0] = k + 1
        draw(img[box], o, field)
    finish(img, scene)
    return np.clip(img, 0, 1), owner
