"""Seeded noise that several styles share: soft patches and the brightness of a mesh of triangles."""
import numpy as np

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


def tile(tiles, rng, h, w):
    """A tile of noise, cut to h x w."""
    return tiles[rng.integers(len(tiles))][:h, :w]


def facets(px, py, side):
    """Brightness, -1 to 1, of a mesh of triangles of `side` pixels at columns px, rows py."""
    u, v = (px[None, :] + 0.3 * py[:, None]) / side + 8, (py[:, None] - 0.2 * px[None, :]) / side + 8
    i, j = u.astype(int), v.astype(int)
    return FACETS[i % 64, j % 64, ((u - i) + (v - j) > 1).astype(int)]
