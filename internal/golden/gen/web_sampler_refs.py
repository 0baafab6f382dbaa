"""Writes sched/testdata/program_states.*: whole loops of samplers that AUTOMATIC1111's web UI and ComfyUI have in a form of their own, by formulas written
down here from those programs: DDIM and PLMS by the web UI's timesteps, UniPC of both, IPNDM, DEIS and SA-Solver of ComfyUI and what else it has beyond k-diffusion. The states are in float64 and as x0 + sigma noise.

    python internal/golden/gen/web_sampler_refs.py
"""
import numpy as np
import torch

import named_schedule_refs as N
from named_schedule_refs import at, named
from scheduler_class_refs import SHAPE, network, write

N.use("a1111")
A = 1 / (1 + N.TRAIN**2)
LOG_ALPHA = np.log(A) / 2
T = len(A)
IMAGE = .5  # the latents of a picture to start from


def noises(seed=5):
    g = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randn(SHAPE, generator=g).double().numpy()


def predict(latents, time):
    return network(torch.from_numpy(latents), time).numpy()


def space(latents, a):
    """Latents of variance-preserving space as x0 + sigma noise."""
    return (latents / np.sqrt(a)).ravel()


def web_times(steps):
    return [min(t + 1, T - 1) for t in range(0, T, T // steps)]


def web_start(steps, strength):
    """The latents, and the timesteps of the run from low to high. A picture gets the noise of the timestep after the last of them."""
    draw, times = noises(), web_times(steps)
    noise = next(draw)
    if strength is None:
        return noise, times, draw
    enter = int(min(strength, .999) * steps)
    a = A[times[enter]]
    return IMAGE * np.sqrt(a) + noise * np.sqrt(1 - a), times[:enter], draw


def web_ddim(steps, strength=None, eta=0.0):
    x, times, draw = web_start(steps, strength)
    states = []
    for low, high in list(zip(times, times[1:]))[::-1]:
        a, b = A[high], A[low]
        e = predict(x, high)
        x0 = (x - np.sqrt(1 - a) * e) / np.sqrt(a)
        s = eta * np.sqrt((1 - b) / (1 - a) * (1 - a / b))
        x = np.sqrt(b) * x0 + np.sqrt(1 - b - s * s) * e + (s * next(draw) if eta else 0)
        states.append(space(x, b))
    return states, times[:0:-1]


def web_plms(steps, strength=None):
    x, times, _ = web_start(steps, strength)
    states, past = [], []
    for low, high in list(zip(times, times[1:]))[::-1]:
        a, b = A[high], A[low]

        def move(e):
            return np.sqrt(b) * (x - np.sqrt(1 - a) * e) / np.sqrt(a) + np.sqrt(1 - b) * e

        e = predict(x, high)
        weights = [None, [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24]][min(len(past), 3)]
        past.insert(0, e)
        mean = (e + predict(move(e), low)) / 2 if weights is None else sum(w * v for w, v in zip(weights, past))
        x = move(mean)
        states.append(space(x, b))
    return states, times[:0:-1]


def unipc(x, levels, times, bh2):
    """UniPC of order 3 on x0 (Zhao et al. 2023, algorithms 5 to 8), of which the order always falls towards the end, and no corrector at the last
    level. x is x0 + sigma noise."""
    n, past, states = len(levels) - 1, [], []

    def data(x, i):
        return x - levels[i] * predict(x / np.hypot(1, levels[i]), times[i])

    past.append(data(x, 0))
    for i in range(1, n + 1):
        order = min(3, i, n + 1 - i)
        h = np.log(levels[i - 1] / levels[i])
        r = [np.log(levels[i - 1] / levels[i - 1 - k]) / h for k in range(1, order)]
        b = h if not bh2 else 1 - np.exp(-h)
        base = levels[i] / levels[i - 1] * x + (1 - np.exp(-h)) * past[-1]
        differences = [(past[-1 - k] - past[-1]) / r[k - 1] for k in range(1, order)]
        # The moments that the weights of the differences have to give.
        phi, moments, factorial = (np.exp(-h) - 1) / -h - 1, [], 1
        for k in range(1, order + 1):
            moments.append(phi * factorial / -b)
            factorial *= k + 1
            phi = phi / -h - 1 / factorial
        powers = np.array([[p**k for p in [*r, 1.0]] for k in range(order)])
        rho = [] if order == 1 else [.5] if order == 2 else np.linalg.solve(powers[:-1, :-1], moments[:-1])
        new = base + b * sum(w * d for w, d in zip(rho, differences))
        states.append(new.ravel())  # before the corrector, which comes with the next evaluation
        if i < n:
            estimate = data(new, i)
            rho = [.5] if order == 1 else np.linalg.solve(powers, moments)
            new = base + b * (sum(w * d for w, d in zip(rho, differences)) + rho[-1] * (estimate - past[-1]))
            past.append(estimate)
        x = new
    return states


def web_unipc(steps, strength=None, bh2=False):
    x, times, _ = web_start(steps, strength)
    t = np.linspace(T - 1 if strength is None else times[-1], 0, len(times) + 1)
    low = np.minimum(t.astype(int), T - 2)
    log_alpha = LOG_ALPHA[low] + (t - low) * (LOG_ALPHA[low + 1] - LOG_ALPHA[low])
    levels = np.sqrt(np.expm1(-2 * log_alpha))
    return unipc(x * np.hypot(1, levels[0]), levels, t, bh2), list(t[:-1])


def comfy_unipc(schedule, steps, bh2):
    N.use("comfy")
    levels = np.array(named(steps + 1, False)[schedule], dtype=np.float32).astype(float)
    levels = np.append(levels[:-2], .001)
    times = [int(np.argmin(np.abs(N.LOGS - np.float32(np.log(s))))) for s in levels[:-1]]
    first = np.hypot(1, levels[0]) if np.isclose(levels[0], N.TRAIN[-1], rtol=1e-5, atol=0) else levels[0]
    return unipc(next(noises()) * first, levels, times, bh2), times


def comfy_slopes(schedule, steps, weights):
    """A multistep method on slopes in sigma, the newest first, whose last step takes the estimate."""
    N.use("comfy")
    levels = np.array(named(steps, False)[schedule], dtype=np.float32).astype(float)
    times = [int(np.argmin(np.abs(N.LOGS - np.float32(np.log(s))))) for s in levels[:-1]]
    x = next(noises()) * (np.hypot(1, levels[0]) if np.isclose(levels[0], N.TRAIN[-1], rtol=1e-5, atol=0) else levels[0])
    states, past = [], []
    for i in range(steps):
        e = predict(x / np.hypot(1, levels[i]), times[i])
        past.insert(0, e)
        x = x - levels[i] * e if levels[i + 1] == 0 else x + sum(w * d for w, d in zip(weights(levels, i), past))
        states.append(x.ravel())
    return states, times


def ipndm(s, i):
    c = [[1], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24]][min(i, 3)]
    return [v * (s[i + 1] - s[i]) for v in c]


def ipndm_v(s, i):
    h = [s[i + 1 - k] - s[i - k] for k in range(min(i + 1, 4))]
    if i == 0:
        return [h[0]]
    a, b = 1 + h[0] / h[1] / 2, -h[0] / h[1] / 2
    if i == 1:
        return [h[0] * a, h[0] * b]
    # The program divides and multiplies from left to right, which drops a bracket of the published formula.
    t1 = (1 - h[0] / (3 * (h[0] + h[1])) * (h[0] * (h[0] + h[1])) / (h[1] * (h[1] + h[2]))) / 2
    a, b, c = a + t1, b - (1 + h[1] / h[2]) * t1, t1 * h[1] / h[2]
    if i == 2:
        return [h[0] * v for v in (a, b, c)]
    g = h[1] * (h[1] + h[2]) / (h[2] * (h[2] + h[3]))
    t2 = ((1 - h[0] / (3 * (h[0] + h[1]))) / 2 + (1 - h[0] / (2 * (h[0] + h[1]))) * h[0] / (6 * sum(h[:3]))) * (h[0] * (h[0] + h[1]) * sum(h[:3])) / (
        h[1] * (h[1] + h[2]) * sum(h[1:]))
    return [h[0] * v for v in (a + t2, b - (1 + h[1] / h[2] + g) * t2, c + (h[1] / h[2] + g * (1 + h[2] / h[3])) * t2, -t2 * g * h[1] / h[2])]


def deis(s, i, first=1e-3, low=.002, high=80, points=10000):
    """Slopes interpolated in the time of a variance-preserving process of linear beta, and summed up in float32 as the program does."""
    if i == 0:
        return [s[1] - s[0]]
    low, high = np.log(low**2 + 1), np.log(high**2 + 1)
    rise = 2 * (low / first - high) / (first - 1)
    least = high - rise / 2
    t = torch.tensor((np.sqrt(least**2 + 2 * rise * np.log(s**2 + 1)) - least) / rise, dtype=torch.float32)
    taus = torch.linspace(t[i], t[i + 1], points)
    alpha = torch.exp(-.5 * taus**2 * rise - taus * least)
    slope = .5 * (taus * rise + least) / torch.sqrt(alpha * (1 - alpha))
    nodes = [t[i - k] for k in range(min(i + 1, 3))]
    out = []
    for j, n in enumerate(nodes):
        poly = slope
        for k, m in enumerate(nodes):
            if k != j:
                poly = poly * (taus - m) / (n - m)
        out.append(float(poly.sum() * (t[i + 1] - t[i]) / points))
    return out


def adams(lambdas, start, end, tau):
    """What estimates at the lambdas weigh: the integrals of their Lagrange polynomials, times (1 + tau^2) exp((1 + tau^2)(lambda - end))."""
    m = 1 + tau * tau
    out = []
    for k, a in enumerate(lambdas):
        p = np.poly1d([1.0])
        for j, b in enumerate(lambdas):
            if j != k:
                p = p * np.poly1d([1 / (a - b), -b / (a - b)])
        # By parts: the integral of p exp(m x) is exp(m x) times the sum of (-1)^i p^(i) / m^(i + 1).
        primitive, q, sign = 0, p, 1
        for i in range(len(lambdas)):
            primitive, q, sign = primitive + sign * q / m ** (i + 1), q.deriv(), -sign
        out.append(m * (primitive(end) - primitive(start) * np.exp(m * (start - end))))
    return out


def comfy_sa(schedule, steps):
    """SA-Solver with a predictor of order 3 and a corrector of order 4, both lower towards the end, and noise on the way to the levels of .2 to .8."""
    N.use("comfy")
    levels = np.array(named(steps, False)[schedule], dtype=np.float32).astype(float)
    times = [int(np.argmin(np.abs(N.LOGS - np.float32(np.log(s))))) for s in levels[:-1]]
    low, high = (float(at(np.array(p * (T - 1)))) for p in (.2, .8))
    with np.errstate(divide="ignore"):
        lam = -np.log(levels)
    draw = noises()
    x = next(draw) * (np.hypot(1, levels[0]) if np.isclose(levels[0], N.TRAIN[-1], rtol=1e-5, atol=0) else levels[0])
    predicted, past, states, tau, h, noise = x, [], [], 0, 0, 0
    for i in range(steps):
        d = predicted - levels[i] * predict(predicted / np.hypot(1, levels[i]), times[i])
        past.append(d)
        if levels[i + 1] == 0:
            states.append(d.ravel())
            break
        c = 0 if i == 0 else min(4, len(past), steps - i)
        x = predicted if c == 0 else levels[i] / levels[i - 1] * np.exp(-tau**2 * h) * x + noise + sum(
            w * v for w, v in zip(adams(lam[i - c + 1:i + 1], lam[i - 1], lam[i], tau), past[-c:]))
        p = min(3, len(past), steps - 1 - i)
        tau, h = 1 if low <= levels[i + 1] <= high else 0, lam[i + 1] - lam[i]
        noise = next(draw) * levels[i + 1] * np.sqrt(1 - np.exp(-2 * h)) if tau else 0
        predicted = levels[i + 1] / levels[i] * np.exp(-tau**2 * h) * x + noise + sum(
            w * v for w, v in zip(adams(lam[i - p + 1:i + 1], lam[i], lam[i + 1], tau), past[-p:]))
        states.append(predicted.ravel())
    return states, times


def ancestral(a, b, eta=1.0):
    up = min(b, eta * np.sqrt(b * b * (a * a - b * b) / (a * a)))
    return np.sqrt(b * b - up * up), up


def phi(order, h):
    """h times the functions of exponential integrators, at -h."""
    return 1 - np.exp(-h) if order == 1 else 1 - (1 - np.exp(-h)) / h


def res_multistep_ancestral(model, x, s, draw):
    old, reached = None, None
    for i in range(len(s) - 1):
        d = model(x, s[i])
        down, up = ancestral(s[i], s[i + 1])
        if down == 0 or old is None:
            x = d + down / s[i] * (x - d)
        else:
            h = np.log(s[i] / down)
            c = np.log(reached / s[i - 1]) / h
            x = down / s[i] * x + (phi(1, h) - phi(2, h) / c) * d + phi(2, h) / c * old
        if s[i + 1] > 0:
            x = x + up * next(draw)
        old, reached = d, down
        yield x


def er_sde(model, x, s, draw, points=200):
    scale = lambda v: v * (np.exp(v**.3) + 10)
    estimates, slopes = [], []
    for i in range(len(s) - 1):
        d = model(x, s[i])
        if s[i + 1] == 0:
            yield d
            return
        a, b = s[i], s[i + 1]
        r = scale(b) / scale(a)
        x = r * x + (1 - r) * d
        at = b + (a - b) * np.arange(points) / points
        if i > 0:
            slope = (d - estimates[-1]) / (a - s[i - 1])
            x = x + (b - a + scale(b) * np.sum(1 / scale(at)) * (a - b) / points) * slope
            if i > 1:
                bend = (slope - slopes[-1]) / ((a - s[i - 2]) / 2)
                x = x + ((b - a)**2 / 2 + scale(b) * np.sum((at - a) / scale(at)) * (a - b) / points) * bend
            slopes.append(slope)
        estimates.append(d)
        x = x + np.sqrt(b * b - a * a * r * r) * next(draw)
        yield x


def seeds(model, x, s, draw, stages, eta=1.0):
    """stages are the shares of a step at which estimates are made, and what they weigh there, of 1 + eta times the step."""
    for a, b in zip(s, s[1:]):
        found = [model(x, a)]
        if b == 0:
            yield found[0]
            return
        h, noise, before = np.log(a / b), 0, 0
        for share, weigh in stages:
            to = b if share == 1 else a * np.exp(-share * h)
            if eta:
                noise = noise * np.exp(-(share - before) * h * eta) + np.sqrt(1 - np.exp(-2 * (share - before) * h * eta)) * next(draw)
            y = np.exp(-share * h * (1 + eta)) * x + sum(w * d for w, d in zip(weigh(h * (1 + eta)), found)) + to * noise
            before = share
            if len(found) < len(stages):
                found.append(model(y, to))
        x = y
        yield x


def third(h):
    w = 2 * phi(2, 2 / 3 * h)
    return phi(1, 2 / 3 * h) - w, w


SEEDS_2 = [(.5, lambda h: [phi(1, h / 2)]), (1, lambda h: [0, phi(1, h)])]
SEEDS_3 = [(1 / 3, lambda h: [phi(1, h / 3)]), (2 / 3, third), (1, lambda h: [phi(1, h) - 1.5 * phi(2, h), 0, 1.5 * phi(2, h)])]
HEUN = [(1, lambda h: [phi(1, h)]), (1, lambda h: [phi(1, h) - phi(2, h), phi(2, h)])]


def gradient_estimation(model, x, s, draw):
    old = None
    for a, b in zip(s, s[1:]):
        d = model(x, a)
        slope = (x - d) / a
        x = d if b == 0 else x + (b - a) * (slope if old is None else slope + (slope - old))
        old = slope
        yield x


def heunpp2(model, x, s, draw):
    for i in range(len(s) - 1):
        slopes, y = [], x
        for k in range(min(3, len(s) - 1 - i)):
            slopes.append((y - model(y, s[i + k])) / s[i + k])
            y = y + (s[i + k + 1] - s[i + k]) * slopes[-1]
        rest = [s[i + k] / (len(slopes) * s[0]) for k in range(1, len(slopes))]
        x = x + (s[i + 1] - s[i]) * sum(w * d for w, d in zip([1 - sum(rest), *rest], slopes))
        yield x


NEWER = dict(res_multistep_ancestral=res_multistep_ancestral, er_sde=er_sde, gradient_estimation=gradient_estimation, heunpp2=heunpp2,
             seeds_2=lambda *a: seeds(*a, SEEDS_2), seeds_3=lambda *a: seeds(*a, SEEDS_3), exp_heun_2_x0=lambda *a: seeds(*a, HEUN, 0),
             exp_heun_2_x0_sde=lambda *a: seeds(*a, HEUN))


def comfy_newer(name, schedule, steps):
    """What ComfyUI has beyond k-diffusion."""
    N.use("comfy")
    levels = np.array(named(steps, False)[schedule], dtype=np.float32).astype(float)
    told = lambda s: int(np.argmin(np.abs(N.LOGS - np.float32(np.log(s)))))
    draw = noises()
    x = next(draw) * (np.hypot(1, levels[0]) if np.isclose(levels[0], N.TRAIN[-1], rtol=1e-5, atol=0) else levels[0])
    model = lambda x, s: x - s * predict(x / np.hypot(1, s), told(s))
    return [x.ravel() for x in NEWER[name](model, x, levels, draw)], [told(s) for s in levels[:-1]]


def cases():
    for steps in (2, 7, 20, 30):
        for strength in (None, .4, .75):
            for name, f in (("ddim", web_ddim), ("plms", web_plms), ("uni_pc", web_unipc)):
                if strength is None or int(strength * steps) > 1:
                    yield dict(dialect="a1111", sampler=name, steps=steps, strength=strength), f(steps, strength)
        yield dict(dialect="a1111", sampler="ddim", steps=steps, extra={"eta": 0.7}), web_ddim(steps, eta=0.7)
        for schedule in ("normal", "karras", "simple"):
            for bh2 in (False, True):
                yield dict(dialect="comfy", sampler="uni_pc_bh2" if bh2 else "uni_pc", schedule=schedule, steps=steps), comfy_unipc(schedule, steps, bh2)
            for name in NEWER:
                yield dict(dialect="comfy", sampler=name, schedule=schedule, steps=steps), comfy_newer(name, schedule, steps)
            yield dict(dialect="comfy", sampler="sa_solver", schedule=schedule, steps=steps), comfy_sa(schedule, steps)
            for name, weights in (("ipndm", ipndm), ("ipndm_v", ipndm_v), ("deis", deis)):
                yield dict(dialect="comfy", sampler=name, schedule=schedule, steps=steps), comfy_slopes(schedule, steps, weights)


if __name__ == "__main__":
    write("program_states", [(case | {"timesteps": [float(t) for t in times]}, np.stack(states)) for case, (states, times) in cases()])
