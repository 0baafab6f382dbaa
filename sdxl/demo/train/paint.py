"""Draws a scene: backgrounds, textures and the styles."""
import numpy as np

from shapes import FIELDS

COLORS = {"red": (220, 35, 40), "green": (40, 165, 60), "blue": (35, 80, 215), "yellow": (250, 215, 40),
          "orange": (245, 135, 25), "purple": (130, 50, 180), "pink": (250, 130, 180), "cyan": (50, 205, 220),
          "brown": (120, 75, 40), "white": (250, 250, 250), "black": (20, 20, 22), "gray": (135, 135, 140)}
COLOR_NAMES = list(COLORS)
RGB = np.array(list(COLORS.values()), np.float32) / 255
STYLES = ["flat", "pixel", "watercolor", "sketch", "neon", "3d", "photo", "line", "lowpoly"]
TEXTURES = ["", "striped", "dotted", "checkered", "outlined"]
TILE = 192                                                  # side of a noise tile, the largest canvas side


def _smooth_noise(rng, count, cells):
    """`count` tiles of value noise in about [-1, 1]."""
    x = np.linspace(0, cells - 1.001, TILE).astype(np.float32)
    i = x.astype(int)
    f = (x - i) ** 2 * (3 - 2 * (x - i))
    tiles = []
    for _ in range(count):
        g = rng.standard_normal((cells, cells)).astype(np.float32)
        rows = g[i] * (1 - f)[:, None] + g[i + 1] * f[:, None]
        tiles.append(rows[:, i] * (1 - f) + rows[:, i + 1] * f)
    return np.stack(tiles) * 0.7


_rng = np.random.default_rng(7)
COARSE, FINE = _smooth_noise(_rng, 24, 9), _smooth_noise(_rng, 24, 30)
FACETS = _rng.uniform(-1, 1, (64, 64, 2)).astype(np.float32)
FACET = 9.0                                                 # pixels


def _tile(tiles, rng, h, w):
    return tiles[rng.integers(len(tiles))][:h, :w]


def _coverage(d, softness=1.0):
    return np.clip(0.5 - d / softness, 0, 1)


def _blend(dst, alpha, color):
    dst += alpha[..., None] * (color - dst)


def _facets(px, py):
    """Brightness of a triangle mesh at columns px, rows py."""
    u, v = (px[None, :] + 0.3 * py[:, None]) / FACET + 8, (py[:, None] - 0.2 * px[None, :]) / FACET + 8
    i, j = u.astype(int), v.astype(int)
    return FACETS[i % 64, j % 64, ((u - i) + (v - j) > 1).astype(int)]


def _texture(name, x, y, r, color):
    """Colour at shape coordinates x, y of a shape of r pixels."""
    if name in ("", "outlined"):
        return color
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


def _background(rng, bg, style, h, w):
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
    if style == "watercolor":
        img = img * 0.85 + 0.13 + (_tile(COARSE, rng, h, w) * 0.05 + _tile(FINE, rng, h, w) * 0.02)[..., None]
    elif style == "sketch":
        img = img * 0.25 + 0.72
    elif style == "line":
        img = img * 0.4 + 0.58
    elif style == "neon":
        img *= 0.12
    elif style == "lowpoly":
        g = np.arange(max(h, w), dtype=np.float32) + 0.5
        img += (_facets(g[:w], g[:h]) * 0.045)[..., None]
    elif style == "photo":
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        img *= (1.05 - 0.5 * (((x - w / 2) / w) ** 2 + ((y - h * .42) / h) ** 2))[..., None]
    return img


def _shade(p, d, dx, dy, r, color, drop, gloss):
    """A lit, rounded body over a soft shadow."""
    shadow = np.clip(0.5 - (np.roll(d, (drop, drop), (0, 1)) - 1) / (drop + 1), 0, 1)
    shadow[:drop] = 0
    shadow[:, :drop] = 0
    p *= 1 - 0.42 * shadow[..., None]
    light = -(dx + dy) * 0.22 + np.clip(d / r, -0.4, 0) * -0.35 - 0.05
    shine = (np.exp(-((dx + .35) ** 2 + (dy + .35) ** 2) * 14) * gloss)[..., None]
    color = color * (1 + light[..., None])
    _blend(p, _coverage(d), color + shine * (1 - color))


def _draw(p, style, o, d, x, y, dx, dy, px, py, mottle):
    """One object over the pixels p; d is its distance field in pixels, x, y its own axes, dx, dy the canvas axes."""
    r, color = o["r"], RGB[o["color"]]
    tex = _texture(o["texture"], x, y, r, color)
    if style == "pixel":
        _blend(p, (d < 0).astype(np.float32), tex)
    elif style == "watercolor":
        rim = np.exp(-(d + 1.5) ** 2 * 0.15) * 0.22
        _blend(p, _coverage(d, 2) * 0.92, tex * 0.82 + 0.16 + (mottle - rim)[..., None])
    elif style == "sketch":
        hatch = np.clip(np.sin((px[None, :] + py[:, None]) * (2 * np.pi / 7)) * 1.5 + .6, 0, 1) * 0.75 + .15
        _blend(p, _coverage(d) * hatch, tex)
        _blend(p, np.clip(1.6 - abs(d), 0, 1) * 0.8, 0.18)
    elif style == "line":
        contours = np.clip(np.cos((d + 3.5) * (2 * np.pi / 6)) * 1.6, 0, 1) * 0.7 + 0.3
        _blend(p, _coverage(d) * contours, tex)
        _blend(p, np.clip(1.4 - abs(d), 0, 1) * 0.9, 0.1)
    elif style == "neon":
        glow = np.maximum(color, 0.12)
        if o["texture"] != "outlined":
            _blend(p, _coverage(d) * 0.38, _texture(o["texture"], x, y, r, glow))
        p += (np.exp(-abs(d) / 4.0) * 0.7)[..., None] * (glow - p * 0.5)
        _blend(p, np.clip(2.2 - abs(d), 0, 1), glow * 0.75 + 0.25)
    elif style == "3d":
        _shade(p, d, dx, dy, r, tex, 4, 0.6)
    elif style == "photo":
        _shade(p, d, dx, dy, r, tex, 7, 0.9)
    elif style == "lowpoly":
        _blend(p, _coverage(d), tex * (1 + _facets(px, py) * 0.24)[..., None] + (_facets(px, py) * 0.05)[..., None])
    else:
        _blend(p, _coverage(d), tex)


def paint(spec, rng):
    """-> image float32 [h, w, 3] in 0..1, and the number of the object (1...) that owns each pixel, uint8 [h, w]."""
    style, h, w = spec["style"], spec["h"], spec["w"]
    img = _background(rng, spec["bg"], style, h, w)
    owner = np.zeros((h, w), np.uint8)
    wobble = _tile(COARSE, rng, h, w) * 2.2 + _tile(FINE, rng, h, w)
    mottle = _tile(FINE, rng, h, w) * 0.12 + _tile(COARSE, rng, h, w) * 0.1
    grid = np.arange(max(h, w), dtype=np.float32) + 0.5
    for k, o in enumerate(spec["objects"]):
        r, cx, cy = np.float32(o["r"]), o["x"] - spec["left"], o["y"] - spec["top"]
        margin = r * 1.1 + 10
        x0, x1 = max(0, int(cx - margin)), min(w, int(cx + margin) + 1)
        y0, y1 = max(0, int(cy - margin)), min(h, int(cy + margin) + 1)
        if x1 - x0 < 8 or y1 - y0 < 8:
            continue
        px, py = grid[x0:x1], grid[y0:y1]
        if style == "pixel":
            px, py = np.floor(px / 4) * 4 + 2, np.floor(py / 4) * 4 + 2
        dx, dy = (px - np.float32(cx))[None, :] / r, (py - np.float32(cy))[:, None] / r
        c, s = np.float32(np.cos(o["rotation"])), np.float32(np.sin(o["rotation"]))
        x, y = c * dx + s * dy, -s * dx + c * dy
        d = FIELDS[o["shape"]](x, y) * r
        box = np.s_[y0:y1, x0:x1]
        if style == "watercolor":
            d = d + wobble[box]
        owner[box][d < 0] = k + 1
        if o["texture"] == "outlined":
            d = abs(d + 2.5) - 3.0
        _draw(img[box], style, o, d, x, y, dx, dy, px, py, mottle[box])
    return np.clip(img, 0, 1), owner
