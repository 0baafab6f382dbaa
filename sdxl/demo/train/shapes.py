"""Signed distance fields of the shapes, radius about 1, y down, negative inside."""
import numpy as np


def _polygon(x, y, sides, angle):
    d = -np.inf
    for t in angle + np.arange(sides) * (2 * np.pi / sides):
        d = np.maximum(d, x * np.float32(np.cos(t)) + y * np.float32(np.sin(t)))
    return d - np.float32(np.cos(np.pi / sides))


def _circle(x, y):
    return np.sqrt(x * x + y * y) - 0.9


def _square(x, y):
    return np.maximum(abs(x), abs(y)) - 0.8


def _triangle(x, y):
    return _polygon(x, y - 0.2, 3, np.pi / 2) - 0.08


def _diamond(x, y):
    return abs(x) * 0.82 + abs(y) * 0.57 - 0.57


def _hexagon(x, y):
    return _polygon(x, y, 6, 0.0) - 0.05


def _ring(x, y):
    return abs(np.sqrt(x * x + y * y) - 0.7) - 0.22


def _oval(x, y):
    return (np.sqrt(x * x + (y * 1.75) ** 2) - 1.0) * 0.65


def _cross(x, y):
    ax, ay = abs(x), abs(y)
    return np.minimum(np.maximum(ax - 0.3, ay - 0.92), np.maximum(ax - 0.92, ay - 0.3))


def _moon(x, y):
    return np.maximum(np.sqrt(x * x + y * y) - 0.92, 0.78 - np.sqrt((x - 0.45) ** 2 + (y + 0.1) ** 2))


def _flower(x, y):
    r = np.sqrt(x * x + y * y)
    petals = (r - (0.72 + 0.24 * np.cos(5 * np.arctan2(x, -y)))) * 0.75
    return np.maximum(petals, 0.2 - r)


def _star(x, y, tip=1.05, notch=0.45):
    half = np.pi / 5
    r, t = np.sqrt(x * x + y * y), np.arctan2(x, -y)
    t = abs((t + half) % (2 * half) - half)
    ex, ey = notch * np.cos(half) - tip, notch * np.sin(half)
    return ((r * np.cos(t) - tip) * ey - r * np.sin(t) * ex) / np.hypot(ex, ey)


def _heart(x, y):
    # Quilez, "2D distance functions"
    x, y = abs(x) * 0.6, 0.56 - y * 0.6
    lobe = np.sqrt((x - 0.25) ** 2 + (y - 0.75) ** 2) - 0.3536
    m = np.maximum(x + y, 0) * 0.5
    tip = np.sqrt(np.minimum(x * x + (y - 1) ** 2, (x - m) ** 2 + (y - m) ** 2)) * np.sign(x - y)
    return np.where(x + y > 1, lobe, tip) / 0.6


FIELDS = {"circle": _circle, "square": _square, "triangle": _triangle, "star": _star, "heart": _heart, "ring": _ring,
          "diamond": _diamond, "cross": _cross, "moon": _moon, "hexagon": _hexagon, "flower": _flower, "oval": _oval}
SHAPES = list(FIELDS)
