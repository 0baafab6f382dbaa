"""Names the style of a picture: measured features, and a small network over them that has seen renders only.

    python style_judge.py --out ../../../bench/quality/styles.json      trains it, prints how often it is right on held-out scenes

The features are of 128 x 128 pixels: where gradients lie in periods of 8 and 32 (pixels, dots, tiles), their directions, how light
and how coloured the parts of the picture and of its border are, and shares of ink, paper, gold, magenta and cyan.
`easel bench quality --styles` has a twin of it in Go.
"""
import argparse
import json

import numpy as np

import scenes

HIDDEN = 64
LUMA = np.float64([.299, .587, .114])


def _directions(gx, gy):
    """Shares of the gradient in 8 directions, of which the first lies across."""
    size = np.hypot(gx, gy)
    k = np.floor(np.arctan2(gy, gx) * (8 / np.pi) + 8.5).astype(int) % 8
    return np.bincount(k.ravel(), size.ravel(), 8) / (size.sum() + 1e-6)


def _phases(g, axis):
    """The mean gradient along `axis` by position modulo 8 and, in pairs, modulo 32, over the mean of all."""
    v = g.mean(1 - axis)
    i = np.arange(len(v))
    by8 = np.bincount(i % 8, v, 8) / np.bincount(i % 8, minlength=8)
    by32 = np.bincount(i % 32 // 2, v, 16) / np.bincount(i % 32 // 2, minlength=16)
    return np.concatenate([by8, by32]) / (v.mean() + 1e-4)


def features(image):
    """uint8 [128, 128, 3] -> float64 [n]."""
    rgb = image.astype(np.float64) / 255
    luma = rgb @ LUMA
    gx, gy = luma[:-1, 1:] - luma[:-1, :-1], luma[1:, :-1] - luma[:-1, :-1]
    size = np.hypot(gx, gy)
    border = np.ones(size.shape, bool)
    border[24:104, 24:104] = False
    high, low = rgb.max(2), rgb.min(2)
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    mean = luma.mean()
    strips = [rgb[:12], rgb[-12:], rgb[:, :12], rgb[:, -12:], rgb[48:80, 48:80]]
    edge = np.concatenate([rgb[:4].reshape(-1, 3), rgb[-4:].reshape(-1, 3), rgb[:, :4].reshape(-1, 3), rgb[:, -4:].reshape(-1, 3)])
    return np.concatenate([
        _phases(abs(gx), 1), _phases(abs(gy), 0),
        _directions(gx, gy), _directions(np.where(border, gx, 0), np.where(border, gy, 0)),
        luma.reshape(4, 32, 4, 32).mean((1, 3)).ravel() - mean,
        *[s.mean((0, 1)) for s in strips],
        [s.std() for s in (strips[0] @ LUMA, strips[1] @ LUMA, strips[2] @ LUMA, strips[3] @ LUMA)],
        edge.std(0),
        [mean, luma.std(), (high - low).mean(), np.sqrt(size).mean(), np.sqrt(size[border]).mean()],
        [(size > t).mean() for t in (.01, .03, .08, .2)], [(size[border] > t).mean() for t in (.01, .03, .08, .2)],
        [(high < .1).mean(), (high < .25).mean(), (low > .9).mean(), ((high - low) < .06).mean()],
        [((r > .8) & (g > .55) & (b < .6)).mean(), ((r > g + .25) & (b > g + .15)).mean(), ((b > r + .2) & (g > r + .1)).mean()],
    ])


class Judge:
    """The network: one hidden layer."""

    def __init__(self, weights):
        self.w = {k: np.float64(v) for k, v in weights.items() if k != "styles"}
        self.styles = weights["styles"]

    def scores(self, image):
        x = np.clip((features(image) - self.w["mean"]) * self.w["scale"], -4, 4)
        return np.maximum(x @ self.w["w1"] + self.w["b1"], 0) @ self.w["w2"] + self.w["b2"]

    def name(self, image):
        return self.styles[int(self.scores(image).argmax())]


def soften(image, rng):
    """What an autoencoder does to a picture, roughly."""
    from PIL import Image, ImageFilter
    soft = Image.fromarray(image).filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.1)))
    return np.clip(np.asarray(soft) + rng.normal(0, rng.uniform(0, 5), image.shape), 0, 255).astype(np.uint8)


def examples(n, seed, held_out=False):
    rng, xs, ys = np.random.default_rng(seed), [], []
    for i in range(n):
        style = i % len(scenes.STYLES)
        spec, _ = scenes.make(rng, style=scenes.STYLES[style], held_out=held_out)
        image = scenes.render(spec, rng)[0]
        for x in [image] if held_out else [image, soften(image, rng)]:
            xs.append(features(x))
            ys.append(style)
    return np.array(xs), np.array(ys)


def train(x, y, steps=3000):
    import torch
    torch.manual_seed(0)
    torch.set_num_threads(1)
    mean, scale = x.mean(0), 1 / (x.std(0) + 1e-2)
    z = torch.tensor(np.clip((x - mean) * scale, -4, 4), dtype=torch.float32)
    net = torch.nn.Sequential(torch.nn.Linear(z.shape[1], HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, len(scenes.STYLES)))
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=.3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)
    t = torch.tensor(y)
    for _ in range(steps):
        i = torch.randint(len(z), (256,))
        loss = torch.nn.functional.cross_entropy(net(z[i] + 0.15 * torch.randn_like(z[i])), t[i], label_smoothing=.05)
        opt.zero_grad()
        loss.backward()
        opt.step()
        schedule.step()
    w = dict(mean=mean, scale=scale, w1=net[0].weight.T.detach().numpy(), b1=net[0].bias.detach().numpy(),
             w2=net[2].weight.T.detach().numpy(), b2=net[2].bias.detach().numpy())
    return {"styles": scenes.STYLES, **{k: np.round(v, 3).tolist() for k, v in w.items()}}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True)
    p.add_argument("--scenes", type=int, default=4000)
    a = p.parse_args()
    weights = train(*examples(a.scenes, 11))
    judge = Judge(weights)
    x, y = examples(600, 12, held_out=True)
    z = np.clip((x - judge.w["mean"]) * judge.w["scale"], -4, 4)
    got = (np.maximum(z @ judge.w["w1"] + judge.w["b1"], 0) @ judge.w["w2"] + judge.w["b2"]).argmax(1)
    print(f"right on held-out scenes: {100 * (got == y).mean():.1f} %")
    for k, s in enumerate(scenes.STYLES):
        wrong = [scenes.STYLES[j] for j in got[(y == k) & (got != y)]]
        print(f"  {s:18s} {100 * (got[y == k] == k).mean():.0f} %  {', '.join(wrong)}")
    with open(a.out, "w", encoding="utf-8") as f:
        json.dump(weights, f)
        f.write("\n")


if __name__ == "__main__":
    main()
