"""Textual inversions as programs write them with torch.save: by AUTOMATIC1111's web UI, by older training programs, as two tensors, and by diffusers:

    python inversion_refs.py ../testdata/inversions

vectors.safetensors has what each file holds, as torch.load reads it.
"""
import argparse
import pathlib

import torch
from safetensors.torch import save_file

WIDTHS = {"clip_l": 16, "clip_g": 24}

if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("out", type=pathlib.Path)
    out = args.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    g = torch.Generator().manual_seed(1)
    vectors = {part: torch.randn(3, width, generator=g) for part, width in WIDTHS.items()}
    rest = {"name": "made", "step": 1500, "sd_checkpoint": "31e35c80fc", "sd_checkpoint_name": "sd_xl_base_1.0", "string_to_token": {"*": 265}}
    files = {
        "web.pt": rest | {"string_to_param": {"*": vectors["clip_g"]}},
        "parameter.pt": rest | {"string_to_param": {"*": torch.nn.Parameter(vectors["clip_g"])}},
        "dict.pt": rest | {"string_to_token": {"*": torch.tensor(265)}, "string_to_param": torch.nn.ParameterDict({"*": torch.nn.Parameter(vectors["clip_g"])})},
        "both.pt": {part: v.half() for part, v in vectors.items()},
        "learned_embeds.bin": {"<made>": vectors["clip_l"][0]},
    }
    found = {}
    for name, state in files.items():
        torch.save(state, out / name)
        read = torch.load(out / name, weights_only=False)
        for part, width in WIDTHS.items():
            for t in [*read.values(), *read.get("string_to_param", {}).values()]:
                if isinstance(t, torch.Tensor) and t.shape[-1:] == (width,):
                    found[f"{name}.{part}"] = t.detach().float().reshape(-1, width).clone()
    save_file(found, out / "vectors.safetensors")
