"""References of the prompt languages on the golden model a: chunks, embeddings, and pictures' latents.

    python prompt_refs.py ../testdata/a/model ../testdata/prompts

The languages are written down here from what the programs do, on transformers' encoders and tokenizers and diffusers' UNet and
scheduler; every side of a guidance is a call of the UNet of its own, at its own length.
"""
import argparse
import json
import pathlib
import re

import numpy as np
import torch
from safetensors.torch import save_file

import models

ROOM = 75
LONG = ", ".join(f"{c} {s} on the {p}" for c in ("red", "dark blue", "striped green") for s in ("circle", "ring", "triangle") for p in ("left", "right"))
WORDS = " ".join(f"word{i} of many" for i in range(40))

TEXTS = {
    "a1111": ["a red circle", "", "a (red:1.4) circle above ((blue)) [square]", r"(a:0.5)(b:1.5) \(text\) [[c]] \\ d", "one part BREAK the (second:1.3) part",
              "open ( brackets [ a ) b ] c ) d (e:1.2", LONG, f"({LONG}:1.25), a tree", WORDS, f"({WORDS})", "(deep (er:1.2) and (weaker:0.3):1.1) : x",
              "(a BREAK b)", "été (café:1.3), naïve (日本:0.8) 🙂", "a(b:1.5)c", "(x: 1.2 )", "(a)(b)", "((((((strong))))))", "[weak:thing]", "a:b (c:d:1.5)"],
    "comfy": ["a red circle", "", "a (red:1.4) circle above ((blue)) [square]", "((a:1.5) b:2) c", r"(a:0.5)(b:1.5) \(text\) d", "(unclosed (b) c", "a) b (c) d",
              LONG, f"({LONG}:1.25), a tree", WORDS, f"({WORDS})", "(a:) (b:x) (c:1e-1) (:1.5) () (d: 1.3 )", "été (café:1.3), naïve (日本:0.8) 🙂",
              " ".join(f"(a{i} b:1.{i % 10})" for i in range(30))],
}


class Texts:
    def __init__(self, pipe):
        self.encoders = [(pipe.tokenizer, pipe.text_encoder), (pipe.tokenizer_2, pipe.text_encoder_2)]

    @torch.no_grad()
    def states(self, k, ids, skip=0):
        out = self.encoders[k][1](torch.tensor([ids]), output_hidden_states=True)
        return out.hidden_states[-(skip + 2)][0], out[0][0]

    def bare(self, k, text):
        return self.encoders[k][0](text, add_special_tokens=False, truncation=False)["input_ids"]

    def fill(self, k, tokens):
        t = self.encoders[k][0]
        ids = [t.bos_token_id] + [i for i, _ in tokens] + [t.eos_token_id]
        return ids + [t.pad_token_id] * (77 - len(ids)), [1.0] + [w for _, w in tokens] + [1.0] * (76 - len(tokens))

    def chunks(self, syntax, k, text):
        return [self.fill(k, c) for c in dict(a1111=a1111_tokens, comfy=comfy_tokens)[syntax](self, k, text)]

    def embed(self, syntax, text, text2=None):
        """-> context [77 n, C], pooled."""
        chunks = [self.chunks(syntax, k, t) for k, t in enumerate((text, text if text2 is None else text2))]
        n = max(map(len, chunks))
        sides = []
        for k, c in enumerate(chunks):
            empty = self.fill(k, [])
            c = c + [empty] * (n - len(c))
            nothing, rows = self.states(k, empty[0])[0], []
            for i, (ids, weights) in enumerate(c):
                z, p = self.states(k, ids)
                if k == 1 and i == 0:
                    pooled = p
                w = torch.tensor(weights)[:, None]
                if syntax == "comfy":
                    z = torch.where(w == 1, z, nothing + w * (z - nothing))
                elif (w != 1).any():
                    y = z * w
                    z = y * (z.mean() / y.mean())
                rows.append(z)
            sides.append(torch.cat(rows))
        return torch.cat(sides, 1), pooled


def a1111_weights(text):
    """(text, weight) runs; None for a break. Weights multiply; a bracket that is not closed holds to the end."""
    runs, stacks, i = [], {"(": [], "[": []}, 0

    def scale(opened, factor):
        for run in runs[opened:]:
            run[1] *= factor
    while i < len(text):
        c, close = text[i], re.match(r":\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*\)", text[i:])
        if c == "\\":
            step = 2 if text[i + 1:i + 2] in tuple("()[]\\") else 1
            runs.append([text[i + 1:i + 2] if step == 2 else "", 1.0])
            i += step
        elif c in stacks:
            stacks[c].append(len(runs))
            i += 1
        elif close and stacks["("]:
            scale(stacks["("].pop(), float(close[1]))
            i += close.end()
        elif c == ")" and stacks["("]:
            scale(stacks["("].pop(), 1.1)
            i += 1
        elif c == "]" and stacks["["]:
            scale(stacks["["].pop(), 1 / 1.1)
            i += 1
        else:
            end = i + close.end() if close else i + 1
            while not close and c not in ")]:" and end < len(text) and text[end] not in "\\()[]:":
                end += 1
            for j, piece in enumerate(re.split(r"\s*\bBREAK\b\s*", text[i:end])):
                if j:
                    runs.append(["BREAK", -1.0])
                runs.append([piece, 1.0])
            i = end
    for opened in stacks["("]:
        scale(opened, 1.1)
    for opened in stacks["["]:
        scale(opened, 1 / 1.1)
    joined = []
    for t, w in runs:
        if joined and joined[-1][1] == w:
            joined[-1][0] += t
        else:
            joined.append([t, w])
    return [None if (t, w) == ("BREAK", -1) else (t, w) for t, w in joined]


def a1111_tokens(texts, k, text):
    comma, chunks, open_, last = texts.encoders[k][0].get_vocab().get(",</w>"), [], [], None
    for run in a1111_weights(text):
        if run is None:
            chunks.append(open_)
            open_, last = [], None
            continue
        for token in texts.bare(k, run[0]):
            if token == comma:
                last = len(open_)
            elif len(open_) == ROOM and last is not None and ROOM - last <= 20:
                chunks.append(open_[:last + 1])
                open_, last = open_[last + 1:], None
            if len(open_) == ROOM:
                chunks.append(open_)
                open_, last = [], None
            open_.append((token, run[1]))
    return chunks + [open_] if open_ or not chunks else chunks


def comfy_weights(text, weight=1.0):
    items, level, item = [], 0, ""
    for c in text:
        if c == "(":
            if level == 0 and item:
                items, item = items + [item], ""
            level += 1
        item += c
        if c == ")":
            level -= 1
            if level == 0:
                items, item = items + [item], ""
    for item in items + ([item] if item else []):
        if len(item) > 1 and item[0] + item[-1] == "()":
            inner, w = item[1:-1], weight * 1.1
            head, colon, tail = inner.rpartition(":")
            if colon and head:
                try:
                    w, inner = float(tail), head
                except ValueError:
                    pass
            yield from comfy_weights(inner, w)
        else:
            yield item, weight


def comfy_tokens(texts, k, text):
    chunks = [[]]
    for part, weight in comfy_weights(text.replace(r"\)", "\0\1").replace(r"\(", "\0\2")):
        group = [(t, weight) for t in texts.bare(k, part.replace("\0\1", ")").replace("\0\2", "("))]
        cut = len(group) >= 8
        while group:
            free = ROOM - len(chunks[-1])
            if len(group) <= free:
                chunks[-1] += group
                group = []
            else:
                if cut:
                    chunks[-1] += group[:free]
                    group = group[free:]
                chunks.append([])
    return chunks


@torch.no_grad()
def draw(pipe, sides, steps, seed, cfg, size=64):
    """Euler's method; sides(step) gives the negative (context, pooled) and [(weight, context, pooled)]."""
    pipe.scheduler.set_timesteps(steps)
    x = torch.randn((1, 4, size // 8, size // 8), generator=torch.Generator().manual_seed(seed)) * pipe.scheduler.init_noise_sigma
    ids = torch.tensor([[size, size, 0, 0, size, size]], dtype=torch.float32)
    for i, t in enumerate(pipe.scheduler.timesteps):
        scaled = pipe.scheduler.scale_model_input(x, t)

        def predict(context, pooled):
            return pipe.unet(scaled, t, encoder_hidden_states=context[None], added_cond_kwargs=dict(text_embeds=pooled[None], time_ids=ids)).sample
        negative, positive = sides(i)
        u = predict(*negative)
        x = pipe.scheduler.step(u + cfg * sum(w * (predict(c, p) - u) for w, c, p in positive), t, x).prev_sample
    return x


def drawings(pipe, texts):
    a, c = (lambda t, t2=None: texts.embed("a1111", t, t2)), (lambda t: texts.embed("comfy", t))
    zeros = tuple(torch.zeros_like(v) for v in a(""))
    blend = [(a("a red circle"), .75), (a("a blue square, " + "b, " * 10), .25)]
    mixed = tuple(sum(w * e[k] for e, w in blend) for k in range(2))
    yield dict(name="weighted-list", prompts=[["a red circle", 3], ["a blue square, " + "b, " * 10, 1], ["a ring", -2]], steps=4, seed=5, cfg=5), \
        lambda i: (a("a ring"), [(1, *mixed)])
    yield dict(name="and", syntax="a1111", prompt="a (red:1.3) circle AND a square :0.6 AND a ring:-0.3", negative="a moon", steps=4, seed=6, cfg=4), \
        lambda i: (a("a moon"), [(1, *a("a (red:1.3) circle ")), (.6, *a(" a square")), (-.3, *a(" a ring"))])
    yield dict(name="long", syntax="a1111", prompt=LONG, negative="a [moon]", steps=3, seed=7, cfg=5), lambda i: (a("a [moon]"), [(1, *a(LONG))])
    yield dict(name="no-negative", syntax="a1111", prompt="a (red) circle", negative="", steps=3, seed=8, cfg=5), lambda i: (zeros, [(1, *a("a (red) circle"))])
    # A change comes after the step of its number, counted from 0; turns stay for the first two steps.
    yield dict(name="edits", syntax="a1111", prompt="a [red:blue:0.5] circle [on grass:2]", negative="[a|b|c]", steps=6, seed=9, cfg=5), \
        lambda i: (a("aabcab"[i]), [(1, *a(f"a {'red' if i <= 3 else 'blue'} circle {'on grass' if i > 2 else ''}"))])
    yield dict(name="two-prompts", syntax="a1111", prompt="a (red:1.2) circle", prompt_2="a blue square", negative="a moon", negative_2="a (ring)", steps=3, seed=10,
               cfg=5), lambda i: (a("a moon", "a (ring)"), [(1, *a("a (red:1.2) circle", "a blue square"))])
    yield dict(name="comfy-long", syntax="comfy", prompt=f"({WORDS}:1.1)", negative=LONG, steps=3, seed=11, cfg=5), lambda i: (c(LONG), [(1, *c(f"({WORDS}:1.1)"))])
    yield dict(name="comfy-no-negative", syntax="comfy", prompt="a (red:1.5) circle", steps=3, seed=12, cfg=5), lambda i: (c(""), [(1, *c("a (red:1.5) circle"))])


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("model", type=pathlib.Path)
    args.add_argument("out", type=pathlib.Path)
    args.add_argument("--texts", type=pathlib.Path, help="JSON {syntax: [texts]} instead of the built-in ones")
    opts = args.parse_args()
    torch.set_num_threads(1)
    pipe = models.load(opts.model)
    texts, tensors, cases = Texts(pipe), {}, []
    for syntax, list_ in (json.loads(opts.texts.read_text()) if opts.texts else TEXTS).items():
        for text in list_:
            name = f"text-{len(cases):03d}"
            context, pooled = texts.embed(syntax, text)
            tensors[f"{name}.context"], tensors[f"{name}.pooled"] = context[::4].contiguous(), pooled
            chunks = [[dict(ids=i, weights=[float(np.float32(x)) for x in w]) for i, w in texts.chunks(syntax, k, text)] for k in range(2)]
            cases.append(dict(name=name, syntax=syntax, text=text, l=chunks[0], g=chunks[1]))
    skips = []
    for skip in (0, 1):
        e = pipe.encode_prompt("a red circle", prompt_2="a blue square", negative_prompt="a moon", negative_prompt_2="a ring", clip_skip=skip, device="cpu")
        for part, t in zip(("context", "negative_context", "pooled", "negative_pooled"), e):
            tensors[f"skip-{skip}.{part}"] = t[0].contiguous()
        skips.append(dict(name=f"skip-{skip}", skip=skip))
    made = []
    for case, sides in drawings(pipe, texts):
        tensors[case["name"]] = draw(pipe, sides, case["steps"], case["seed"], case["cfg"])
        made.append(case)
    opts.out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, opts.out / "prompts.safetensors")
    (opts.out / "prompts.json").write_text(json.dumps(dict(texts=cases, skips=skips, drawings=made), ensure_ascii=False) + "\n")
