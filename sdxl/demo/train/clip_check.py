"""What transformers makes of the CLIP pair: vectors of 100 held-out scenes and their captions, for the Go test, and its recall.

    python clip_check.py --pair ../clip --data ../testdata/clip
"""
import argparse
import json
import os

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

from bpe import Encoder
from clip_pair import held_out, recall

SAVED = 100


@torch.no_grad()
def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pair", default="../clip")
    p.add_argument("--data", required=True)
    a = p.parse_args()
    torch.set_num_threads(1)
    os.makedirs(a.data, exist_ok=True)
    model = CLIPModel.from_pretrained(a.pair, dtype=torch.float32).eval()
    tokenizer, processor = CLIPTokenizer.from_pretrained(a.pair), CLIPImageProcessorPil.from_pretrained(a.pair)
    pixels, _, specs, captions = held_out(Encoder(a.pair), 500)
    inputs = [processor(images=[Image.fromarray(x) for x in pixels[i:i + 50]], return_tensors="pt") for i in range(0, 500, 50)]
    image = F.normalize(torch.cat([model.get_image_features(**x).pooler_output for x in inputs]), dim=-1)
    tokens = tokenizer(list(captions), padding="max_length", max_length=77, truncation=True, return_tensors="pt")
    text = F.normalize(model.get_text_features(**tokens).pooler_output, dim=-1)
    print(f"recall at 1 of 500 held-out scenes among 100: {100 * recall(image, text):.1f} %")
    Image.fromarray(np.concatenate([np.concatenate(pixels[i:i + 10], 1) for i in range(0, SAVED, 10)])).save(os.path.join(a.data, "scenes.png"), optimize=True)
    with open(os.path.join(a.data, "captions.json"), "w", encoding="utf-8") as f:
        f.write(json.dumps(captions[:SAVED], indent=0) + "\n")
    save_file({"text_embeds": text[:SAVED].contiguous(), "image_embeds": image[:SAVED].contiguous()}, os.path.join(a.data, "refs.safetensors"))


if __name__ == "__main__":
    main()
