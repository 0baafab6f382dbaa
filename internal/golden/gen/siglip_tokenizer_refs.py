"""Small tokenizers of the first SigLIP and of SigLIP 2, trained on a few words, and the ids of texts by transformers:

    python siglip_tokenizer_refs.py ../../../clip/tokenizer/testdata
"""
import argparse
import io
import json
import pathlib
import random

import sentencepiece
from transformers import SiglipTokenizer

import clip_refs
import models

ODD = ["", " ", "a", "A Red CIRCLE!", "  two   cats  ", "don't stop.", "caf\u00e9 \ufb01ne \u2460 \uff21\uff22", "\u2581under\u2581score", "</s>", "a </s> b", "<unk>", "x<unk>y",
       "\u4e2d\u6587 \u65e5\u672c", "\U0001f600\U0001f601 smile", "\u039f\u0394\u039f\u03a3 \u03a3\u03a4\u0391\u03a3\u0399\u03a3.", "tab\tnew\nline\x1cfs", "one two three four " * 30,
       "!!!", "...a...", "e\u0301\u0301", "\u00a0nbsp\u00a0", "\u200bzero", "\u0130stanbul", "half\u00ad-word", "a\x00b"]

if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("out", type=pathlib.Path)
    out = args.parse_args().out
    folder = out / "siglip"
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(3)
    lines = [" ".join(rng.choices(models.WORDS, k=8)) for _ in range(400)]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=model, vocab_size=300, model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
                                             hard_vocab_limit=False, character_coverage=0.99, num_threads=1, minloglevel=2)
    (folder / "spiece.model").write_bytes(model.getvalue())
    (folder / "tokenizer_config.json").write_text(json.dumps(dict(tokenizer_class="SiglipTokenizer", model_max_length=64, do_lower_case=True)))
    tokenizer = SiglipTokenizer(str(folder / "spiece.model"))
    letters = "abcdefghijklmnop AEIOU .,'!-\u00e9\u00df\u2581\u03a3\u00bd\u4e2d"
    texts = ODD + [" ".join(rng.choices(models.WORDS + ["zebra", "42", "x-ray"], k=rng.randint(1, 12))) for _ in range(60)] + ["".join(rng.choices(letters, k=rng.randint(1, 30))) for _ in range(60)]
    gemma, _ = clip_refs.gemma_tokenizer(out / "gemma")
    for name, t in (("siglip", tokenizer), ("gemma", gemma)):
        ids = [t(text, padding="max_length", truncation=True, max_length=64)["input_ids"] for text in texts]
        (out / name / "texts.json").write_text(json.dumps({"texts": texts, "ids": ids}, ensure_ascii=True))
