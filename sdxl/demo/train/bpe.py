"""Builds the tokenizer of the model (CLIP's byte-level BPE with a small vocabulary) and encodes captions with it.

    python bpe.py --run DIR      writes DIR/vocab.json and DIR/merges.txt
"""
import argparse
import json
import os
import re
from collections import Counter
from functools import lru_cache

import numpy as np

import scenes

MAX_LENGTH = 77
MERGES = 1100
BOS, EOS = "<|startoftext|>", "<|endoftext|>"
WORD = re.compile(r"[a-z]+|[0-9]|[^\sa-z0-9]+")
EXTRA = "photo picture image five many and with very bright dark light teal gold golden background style icon art painting by".split()


def byte_symbols():
    """The printable stand-in of every byte, in the order of GPT-2's and CLIP's vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(rest))]


def merge(symbols, pair):
    out = []
    for s in symbols:
        if out and (out[-1], s) == pair:
            out[-1] += s
        else:
            out.append(s)
    return out


def word_counts():
    """How often the words of the captions occur; shapes, colours and numbers weigh more."""
    rng = np.random.default_rng(3)
    counts = Counter()
    for _ in range(20000):
        counts.update(WORD.findall(scenes.make(rng, camera=True)[1]))
    for w in [*EXTRA, *(x for s in scenes.SHAPES for x in (s, "crosses" if s == "cross" else s + "s"))]:
        counts[w] += 40
    return counts


def learn(counts, limit):
    """Merges of the most frequent pairs, until every word is one token or `limit` is reached."""
    split = {w: [*w[:-1], w[-1] + "</w>"] for w in counts}
    merges = []
    while len(merges) < limit:
        pairs = Counter()
        for w, s in split.items():
            for pair in zip(s, s[1:]):
                pairs[pair] += counts[w]
        if not pairs:
            break
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        split = {w: merge(s, best) for w, s in split.items()}
    return merges


class Encoder:
    """Captions to ids, equal to CLIPTokenizer for lower-case ASCII."""

    def __init__(self, folder):
        with open(os.path.join(folder, "vocab.json"), encoding="utf-8") as f:
            self.vocab = json.load(f)
        with open(os.path.join(folder, "merges.txt"), encoding="utf-8") as f:
            self.merges = [tuple(line.split()) for line in f.read().splitlines()[1:]]
        self.bos, self.eos = self.vocab[BOS], self.vocab[EOS]
        self.word = lru_cache(None)(self._word)

    def _word(self, w):
        s = [*w[:-1], w[-1] + "</w>"]
        for pair in self.merges:
            s = merge(s, pair)
        return [self.vocab[t] for t in s]

    def pieces(self, caption):
        """Ids of a caption alone, without start, end and padding."""
        return [i for w in WORD.findall(caption) for i in self.word(w)]

    def __call__(self, captions):
        """-> int16 [n, 77], padded with the end token."""
        out = np.full((len(captions), MAX_LENGTH), self.eos, np.int16)
        for row, caption in zip(out, captions):
            ids = [self.bos, *self.pieces(caption)][:MAX_LENGTH - 1]
            row[:len(ids)] = ids
        return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True)
    a = p.parse_args()
    counts = word_counts()
    merges = learn(counts, MERGES)
    symbols = byte_symbols()
    tokens = [*symbols, *(s + "</w>" for s in symbols), *(a + b for a, b in merges), BOS, EOS]
    with open(os.path.join(a.run, "vocab.json"), "w", encoding="utf-8") as f:
        json.dump({t: i for i, t in enumerate(tokens)}, f, ensure_ascii=False)
    with open(os.path.join(a.run, "merges.txt"), "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n" + "".join(f"{x} {y}\n" for x, y in merges))
    enc = Encoder(a.run)
    print(len(tokens), "tokens; words of several:", sorted(w for w in counts if len(enc.word(w)) > 1))


if __name__ == "__main__":
    main()
