"""One optimiser for every network here: weights over a flat float32 master copy, with an exponential average.

Matrices and convolution kernels take orthogonalised momentum (Muon, Jordan et al. 2024, scaled to the size of an
Adam update as in Liu et al. 2025, "Muon is Scalable for LLM Training"); embeddings, biases, norms and the first
and last layers take Adam.
"""
import math
import time
from collections import defaultdict
from datetime import datetime

import torch


def clock():
    """Seconds of processor time of a thread: a schedule by it is the same on a busy machine."""
    return time.process_time() / torch.get_num_threads()


class Schedule:
    """The learning rate of a run, which ends after `minutes` of processor time by thread, or at the wall time `until` ("13:40") if that is given.

    It rises for `warmup` steps, stays for the share `flat` of the run, and falls along a cosine to 2 %.
    """

    def __init__(self, lr, minutes, until=None, warmup=50, flat=0.0):
        self.lr, self.warmup, self.flat = lr, warmup, flat
        self.clock, self.seconds = (time.time, seconds_until(until)) if until else (clock, 60 * minutes)
        self.start, self.steps = self.clock(), 0

    def done(self):
        """The share of the run that is over: 1 at its end."""
        return (self.clock() - self.start) / self.seconds

    def rate(self):
        """The learning rate of the next step; call it once for each."""
        self.steps += 1
        past = min(1, max(0, self.done() - self.flat) / (1 - self.flat))
        return self.lr * min(1, self.steps / self.warmup) * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * past)))


def seconds_until(until):
    """From now to the next time that the clock on the wall shows HH:MM."""
    now, end = datetime.now(), datetime.strptime(until, "%H:%M")
    return (end - now.replace(year=end.year, month=end.month, day=end.day)).total_seconds() % 86400


def orthogonalize(g, steps=5):
    """Newton-Schulz iteration towards the nearest semi-orthogonal matrices of a batch [n, rows, cols]."""
    tall = g.shape[1] > g.shape[2]
    x = g.mT if tall else g
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.mT if tall else x


class Trainer:
    """Owns the master weights of a module; after `backward`, call `step(lr)`.

    The module's parameters become views of one buffer of `dtype` and their gradients views of another. bfloat16 pays only on
    processors with instructions for it (AMX, AVX512_BF16).
    """

    def __init__(self, module, weight_decay=0.01, adam_only=(), dtype=torch.float32):
        params = [(n, p) for n, p in module.named_parameters() if p.requires_grad]
        self.master = torch.cat([p.data.float().reshape(-1) for _, p in params])
        self.flat = self.master.to(dtype, copy=True)
        self.grad = torch.zeros_like(self.flat)
        self.momentum = torch.zeros_like(self.master)
        self.variance = torch.zeros_like(self.master)
        self.ema = self.master.clone()
        self.steps = 0
        self.decay = torch.zeros_like(self.master)
        self.groups = defaultdict(list)          # (rows, cols) -> offsets
        self.params = []
        is_muon = torch.zeros(len(self.master), dtype=torch.bool)
        module.to(dtype)
        offset = 0
        for name, p in params:
            n = p.numel()
            p.data = self.flat[offset:offset + n].view(p.shape)
            p.grad = self.grad[offset:offset + n].view(p.shape)
            if p.ndim > 1:
                self.decay[offset:offset + n] = weight_decay
                if "embed" not in name.replace("time_embedding", "").replace("add_embedding", "") and not any(a in name for a in adam_only):
                    self.groups[p.shape[0], n // p.shape[0]].append(offset)
                    is_muon[offset:offset + n] = True
            self.params.append((name, p))
            offset += n
        self.adam = (~is_muon).nonzero()[:, 0]

    def step(self, lr, ema_decay=0.999, clip=1.0):
        """One update; returns the norm of the gradient before clipping."""
        self.steps += 1
        g = self.grad.float()
        norm = g.norm()
        if norm > clip:
            g *= clip / norm
        self.master.mul_(1 - lr * self.decay)
        self.momentum.lerp_(g, 0.1)
        a = self.adam
        ga = g[a]
        var = self.variance[a].lerp_(ga * ga, 0.02)
        self.variance[a] = var
        self.master[a] -= lr * (self.momentum[a] / (1 - 0.9 ** self.steps)) / ((var / (1 - 0.98 ** self.steps)).sqrt_() + 1e-8)
        for (rows, cols), offsets in self.groups.items():
            view = lambda v: torch.stack([v[o:o + rows * cols].view(rows, cols) for o in offsets])
            u = orthogonalize(view(self.momentum).lerp(view(g), 0.1)) * (0.2 * max(rows, cols) ** 0.5 * lr)
            for o, d in zip(offsets, u):
                self.master[o:o + rows * cols] -= d.reshape(-1)
        self.flat.copy_(self.master)
        self.ema.lerp_(self.master, 1 - min(ema_decay, (self.steps + 1) / (self.steps + 20)))
        self.grad.zero_()
        return norm.item()

    def state(self):
        """What is needed to go on: tensors by name."""
        return {k: getattr(self, k) for k in ("master", "momentum", "variance", "ema", "steps")}

    def load(self, state):
        """Goes on from `state`."""
        for k, v in state.items():
            if torch.is_tensor(v):
                getattr(self, k).copy_(v)
            else:
                setattr(self, k, v)
        self.flat.copy_(self.master)

    def swap_ema(self):
        """Puts the averaged weights into the module; `unswap` puts the trained ones back."""
        self.flat.copy_(self.ema)

    def unswap(self):
        self.flat.copy_(self.master)


def fit(trainer, schedule, loss, average=0.99, every=20):
    """Takes steps on loss(), that of the next batch, until the schedule ends; the module is left with its averaged weights."""
    start, losses = clock(), []
    while schedule.done() < 1:
        value = loss()
        value.backward()
        trainer.step(schedule.rate(), average)
        losses.append(value.item())
        if len(losses) == every:
            print(f"{clock() - start:5.0f} s  step {trainer.steps}  loss {sum(losses) / every:.4f}", flush=True)
            losses = []
    trainer.swap_ema()
