"""What a ControlNet of the recipe is given beside the caption: a picture [h, w, 3], uint8, drawn from a scene."""
import numpy as np
from PIL import Image, ImageFilter

from shapes import SHAPES

LOW, HIGH = 0.08, 0.2                                     # gradients of Canny's two thresholds, luma of 0..1
_HUES = np.linspace(0, 255, len(SHAPES), endpoint=False)
PALETTE = np.array([np.asarray(Image.new("HSV", (1, 1), (int(h), 200, 255)).convert("RGB"))[0, 0] for h in _HUES])


def canny(image):
    """White lines of one pixel where the brightness changes (Canny 1986), on black. -> bool [h, w]"""
    luma = Image.fromarray(image).convert("L").filter(ImageFilter.GaussianBlur(1))
    v = np.pad(np.asarray(luma, np.float32) / 255, 1, mode="edge")
    gx = (v[:-2, 2:] - v[:-2, :-2] + 2 * (v[1:-1, 2:] - v[1:-1, :-2]) + v[2:, 2:] - v[2:, :-2]) / 4
    gy = (v[2:, :-2] - v[:-2, :-2] + 2 * (v[2:, 1:-1] - v[:-2, 1:-1]) + v[2:, 2:] - v[:-2, 2:]) / 4
    size = np.pad(np.hypot(gx, gy), 1)
    sector = np.round(np.arctan2(gy, gx) * (4 / np.pi)).astype(int) % 4
    h, w = sector.shape
    best = np.zeros((h, w), bool)
    for k, (dy, dx) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        before, after = size[1 - dy:1 - dy + h, 1 - dx:1 - dx + w], size[1 + dy:1 + dy + h, 1 + dx:1 + dx + w]
        best |= (sector == k) & (size[1:-1, 1:-1] >= before) & (size[1:-1, 1:-1] > after)
    weak = best & (size[1:-1, 1:-1] > LOW)
    found = weak & (size[1:-1, 1:-1] > HIGH)
    while True:                                           # weak lines stay where they touch strong ones
        more = near(found, 1) & weak
        if (more == found).all():
            return found
        found = more


def near(mask, reach):
    """What lies within `reach` pixels of the mask, diagonals too."""
    h, w = mask.shape
    m = np.pad(mask, reach)
    return np.any([m[i:i + h, j:j + w] for i in range(2 * reach + 1) for j in range(2 * reach + 1)], 0)


def edges(spec, image, owner):
    return np.repeat(canny(image)[..., None], 3, 2).astype(np.uint8) * 255


def boxes(owner, objects):
    """(number of the object, x0, y0, x1, y1) of each that can be seen."""
    for k in range(objects):
        ys, xs = np.nonzero(owner == k + 1)
        if len(ys):
            yield k, xs.min(), ys.min(), xs.max() + 1, ys.max() + 1


def layout(spec, image, owner):
    """The box of each object in the colour of its shape, on black."""
    out = np.zeros((*owner.shape, 3), np.uint8)
    for k, x0, y0, x1, y1 in boxes(owner, len(spec["objects"])):
        out[y0:y1, x0:x1] = PALETTE[SHAPES.index(spec["objects"][k]["shape"])]
    return out


CONTROLS = {"edges": edges, "layout": layout}
