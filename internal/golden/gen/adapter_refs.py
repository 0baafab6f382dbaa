"""Adapters of every kind for a tiny model, with the latents and the changes of weights that their own libraries make of them:

    python adapter_refs.py ../testdata ../testdata/adapters [--seed N]

LoRA and DoRA are PEFT's, in the layouts of diffusers and, by diffusers' own reader of them, of sd-scripts (kohya); everything else is of LyCORIS
(pip install lycoris-lora einops toml --no-deps). NAME.safetensors is an adapter, NAME-deltas.safetensors what it adds to some weights,
latents.safetensors the latents after each step of each case in adapters.json.
"""
import argparse
import json
import pathlib
import re

import torch
from peft import LoraConfig
from safetensors.torch import load_file, save_file

import models

MODEL = "c"
ATTENTION = ["to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out"]
CONVS = ["conv1", "conv2", "conv_shortcut", "conv", "conv_in", "conv_out", "time_emb_proj", "linear_1", "linear_2"]
TEXT = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]
RUN = dict(prompt="a red circle", num_inference_steps=3, guidance_scale=4.0, width=64, height=64)
KEPT = ["mid_block.attentions.0.transformer_blocks.0.attn1.to_q", "down_blocks.1.attentions.0.transformer_blocks.0.ff.net.0.proj",
        "up_blocks.1.resnets.0.conv1", "up_blocks.0.resnets.0.conv_shortcut", "mid_block.resnets.0.time_emb_proj",
        "down_blocks.0.downsamplers.0.conv", "up_blocks.0.attentions.0.transformer_blocks.0.norm1", "up_blocks.0.upsamplers.0.conv"]


def randomise(parameters, scale, seed):
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in parameters:
            if p.dim() > 0:
                p.copy_(torch.randn(p.shape, generator=g) * scale)


def latents(pipe, seed, **options):
    steps = []

    def keep(_, i, __, k):
        steps.append(k["latents"].clone())
        return k
    pipe.set_progress_bar_config(disable=True)
    pipe(**(RUN | options), generator=torch.Generator().manual_seed(seed), output_type="latent", callback_on_step_end=keep)
    return torch.stack(steps)


def sgm(name):
    """A UNet's module under the name of the single-file layout, for three blocks of one layer."""
    n, layers = 1, 1
    table = {"conv_in": "input_blocks.0.0", "conv_out": "out.2", "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
             "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
             "mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1", "mid_block.resnets.1": "middle_block.2"}
    for i in range(3):
        for j in range(layers):
            table |= {f"down_blocks.{i}.resnets.{j}": f"input_blocks.{n}.0", f"down_blocks.{i}.attentions.{j}": f"input_blocks.{n}.1"}
            n += 1
        table[f"down_blocks.{i}.downsamplers.0.conv"] = f"input_blocks.{n}.0.op"
        n += 1
    n = 0
    for i in range(3):
        for j in range(layers + 1):
            table |= {f"up_blocks.{i}.resnets.{j}": f"output_blocks.{n}.0", f"up_blocks.{i}.attentions.{j}": f"output_blocks.{n}.1"}
            n += 1
        table[f"up_blocks.{i}.upsamplers.0.conv"] = f"output_blocks.{n - 1}.{2 if i < 2 else 1}.conv"
    for old, new in table.items():
        if name == old or name.startswith(old + "."):
            name = new + name[len(old):]
            break
    for old, new in ((".conv1", ".in_layers.2"), (".conv2", ".out_layers.3"), (".time_emb_proj", ".emb_layers.1"), (".conv_shortcut", ".skip_connection")):
        if name.endswith(old):
            name = name[:-len(old)] + new
    return name


def text_name(name):
    """The name of a text encoder's module as published files have it."""
    return name if name.startswith("text_model.") else "text_model." + name


def kohya(state, alphas, rename):
    """PEFT's state of one network after another in sd-scripts' layout."""
    out = {}
    for (prefix, change), tensors in state.items():
        for key, v in tensors.items():
            module, part = re.fullmatch(r"(.*)\.lora_([AB])\.weight", key).groups()
            flat = prefix + "_" + (rename(module) if change else text_name(module) if "_te" in prefix else module).replace(".", "_")
            out[f"{flat}.lora_{'down' if part == 'A' else 'up'}.weight"] = v.half()
            if alphas is not None:
                out[flat + ".alpha"] = torch.tensor(alphas)
    return out


def peft_state(model, seed, **config):
    """Random weights of a LoRA on a network, and the network's state with PEFT's names."""
    from peft.utils import get_peft_model_state_dict
    model.add_adapter(LoraConfig(**config), "made")
    randomise([p for n, p in model.named_parameters() if "lora_" in n and "magnitude" not in n], 0.4, seed)
    g = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for n, p in model.named_parameters():
            if "magnitude" in n:
                p.mul_(1 + 0.3 * torch.rand(p.shape, generator=g))
    return {k: v.detach().clone().contiguous() for k, v in get_peft_model_state_dict(model, adapter_name="made").items()}


def lora_files(folder, out, seed):
    pipe = models.load(folder)
    unet = peft_state(pipe.unet, seed + 1, r=4, lora_alpha=4, target_modules=ATTENTION)
    te1 = peft_state(pipe.text_encoder, seed + 2, r=4, lora_alpha=4, target_modules=TEXT)
    te2 = peft_state(pipe.text_encoder_2, seed + 3, r=4, lora_alpha=4, target_modules=TEXT)
    state = {("lora_unet", True): unet, ("lora_te1", False): te1, ("lora_te2", False): te2}
    save_file(kohya(state, 2.0, sgm), out / "kohya-sgm.safetensors", {"ss_network_dim": "4", "ss_base_model_version": "sdxl_base_v1-0", "ss_output_name": "kohya"})
    save_file(kohya({("lora_unet", False): unet}, None, sgm), out / "kohya-diffusers.safetensors")
    for name, net, config in (
            ("peft", "text", dict(r=3, lora_alpha=5, target_modules=ATTENTION)),
            ("peft-rslora", None, dict(r=4, lora_alpha=6, use_rslora=True, target_modules=ATTENTION + CONVS, alpha_pattern={"to_q": 3})),
            ("peft-dora", None, dict(r=4, lora_alpha=4, use_dora=True, target_modules=ATTENTION + ["conv1", "conv_in", "conv_shortcut"]))):
        pipe = models.load(folder)
        layers = peft_state(pipe.unet, seed + 7, **config)
        extra = {}
        if net:
            extra = dict(text_encoder_lora_layers=peft_state(pipe.text_encoder, seed + 8, r=2, lora_alpha=1, target_modules=TEXT),
                         text_encoder_2_lora_layers=peft_state(pipe.text_encoder_2, seed + 9, r=2, lora_alpha=3, target_modules=TEXT),
                         text_encoder_lora_adapter_metadata=pipe.text_encoder.peft_config["made"].to_dict(),
                         text_encoder_2_lora_adapter_metadata=pipe.text_encoder_2.peft_config["made"].to_dict())
        meta = pipe.unet.peft_config["made"].to_dict()
        pipe.save_lora_weights(out, unet_lora_layers=layers, weight_name=name + ".safetensors", unet_lora_adapter_metadata=meta, **extra)


def merged_deltas(pipe, kept=KEPT):
    """What fusing adds to some weights."""
    before = {n: p.detach().clone() for n, p in pipe.unet.named_parameters()}
    pipe.fuse_lora()
    after = {n.replace(".base_layer", ""): p for n, p in pipe.unet.named_parameters()}
    before = {n.replace(".base_layer", ""): p for n, p in before.items()}
    return {f"unet/{k}.weight": (after[k + ".weight"] - before[k + ".weight"]).detach().clone().contiguous() for k in kept
            if k + ".weight" in after and not torch.equal(after[k + ".weight"], before[k + ".weight"])}


def lycoris_cases():
    lin, conv = ["Transformer2DModel"], ["ResnetBlock2D", "Downsample2D", "Upsample2D"]
    both = lin + conv
    return [
        dict(name="locon", algo="locon", targets=both, dim=4, alpha=2.0),
        dict(name="locon-cp", algo="locon", targets=conv, dim=4, alpha=1.0, use_tucker=True),
        dict(name="loha", algo="loha", targets=both, dim=3, alpha=2.0),
        dict(name="loha-cp", algo="loha", targets=conv, dim=2, alpha=2.0, use_tucker=True),
        dict(name="lokr", algo="lokr", targets=both, dim=2, alpha=1.0, factor=2),
        dict(name="lokr-full", algo="lokr", targets=both, dim=10000, alpha=1.0, factor=4),
        dict(name="lokr-both", algo="lokr", targets=both, dim=1, alpha=3.0, factor=4, decompose_both=True),
        dict(name="lokr-cp", algo="lokr", targets=conv, dim=1, alpha=2.0, factor=2, use_tucker=True),
        dict(name="dora-out", algo="locon", targets=both, dim=4, alpha=2.0, dora_wd=True, wd_on_output=True),
        dict(name="dora-in", algo="locon", targets=both, dim=4, alpha=2.0, dora_wd=True, wd_on_output=False),
        dict(name="doha", algo="loha", targets=lin, dim=2, alpha=2.0, dora_wd=True, wd_on_output=True),
        dict(name="dokr", algo="lokr", targets=lin, dim=2, alpha=1.0, factor=2, dora_wd=True, wd_on_output=True),
        dict(name="full", algo="full", targets=lin, dim=1, alpha=1.0, train_norm=True),
        dict(name="glora", algo="glora", targets=both, dim=3, alpha=2.0),
        dict(name="ia3", algo="ia3", targets=both, dim=1, alpha=1.0),
        dict(name="oft", algo="diag-oft", targets=both, dim=4, alpha=1.0, constraint=0.0, rescaled=True),
        dict(name="oft-limit", algo="diag-oft", targets=lin, dim=4, alpha=1.0, constraint=0.02),
        dict(name="boft", algo="boft", names=["mid_block.attentions.0.*", "up_blocks.0.resnets.*.conv2"], dim=4, alpha=1.0, rescaled=True),
    ]


def lycoris_network(pipe, case, seed):
    from lycoris import LycorisNetwork
    from lycoris.wrapper import create_lycoris
    LycorisNetwork.apply_preset({"target_module": case.get("targets", []), "target_name": case.get("names", []), "use_fnmatch": True})
    options = {k: v for k, v in case.items() if k not in ("name", "algo", "targets", "names", "dim", "alpha", "seed")}
    net = create_lycoris(pipe.unet, 1.0, linear_dim=case["dim"], linear_alpha=case["alpha"], conv_dim=case["dim"], conv_alpha=case["alpha"], algo=case["algo"], **options)
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for n, p in ((n, p) for lora in net.loras for n, p in lora.named_parameters()):
            noise = torch.randn(p.shape, generator=g)
            if "dora_scale" in n or n.endswith("rescale"):
                p.mul_(1 + 0.2 * noise)
            elif case["algo"] == "full":
                p.add_(0.1 * noise)
            elif case["algo"] in ("diag-oft", "boft"):
                p.copy_(0.3 * noise)
            else:
                p.copy_((0.6 if case["algo"] in ("loha", "lokr") else 0.4) * noise)
    return net


@torch.no_grad()
def merge(m, state):
    """Gives the layer what the adapter was trained as. LyCORIS merges LoHa and LoKr with their scale twice, and runs them with it once; a full
    difference is the sum with what its file holds."""
    layer = m.org_module[0]
    kind = type(m).__name__
    if kind == "FullModule":
        layer.weight += state[m.lora_name + ".diff"]
        if m.lora_name + ".diff_b" in state:
            layer.bias += state[m.lora_name + ".diff_b"]
    elif kind in ("LohaModule", "LokrModule"):
        w = layer.weight + m.get_weight(layer.weight.shape)
        layer.weight.copy_(m.apply_weight_decompose(w, 1.0) if m.wd else w)
    else:
        m.merge_to(1.0)


def lycoris_refs(folder, out, case, seed):
    pipe = models.load(folder)
    before = {n: p.detach().clone() for n, p in pipe.unet.named_parameters()}
    net = lycoris_network(pipe, case, seed)
    state = {f"{m.lora_name}.{k}": v.detach().clone().contiguous() for m in net.loras for k, v in (m.custom_state_dict() or m.state_dict()).items()}
    save_file(state, out / f"{case['name']}.safetensors")
    for m in net.loras:
        merge(m, state)
    after = dict(pipe.unet.named_parameters())
    deltas = {}
    for k in KEPT:
        for part in (".weight", ".bias"):
            if k + part in after and not torch.equal(after[k + part], before[k + part]):
                deltas[f"unet/{k}{part}"] = (after[k + part] - before[k + part]).detach().clone().contiguous()
    save_file(deltas, out / f"{case['name']}-deltas.safetensors")
    return latents(pipe, case["seed"])


def inversion(folder, path, seed):
    """Random vectors for a word, of the size of the tokens' own."""
    pipe, g = models.load(folder), torch.Generator().manual_seed(seed)
    vectors = {}
    for part, encoder in (("clip_l", pipe.text_encoder), ("clip_g", pipe.text_encoder_2)):
        table = encoder.get_input_embeddings().weight
        vectors[part] = torch.randn((3, table.shape[1]), generator=g) * table.std().item()
    path.parent.mkdir(exist_ok=True)
    save_file(vectors, path)
    return vectors


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("models", type=pathlib.Path)
    args.add_argument("out", type=pathlib.Path)
    args.add_argument("--seed", type=int, default=0, help="added to every case's")
    a = args.parse_args()
    torch.set_num_threads(1)
    folder = a.models / MODEL / "model"
    a.out.mkdir(parents=True, exist_ok=True)
    cases, steps = [], {}
    lora_files(folder, a.out, a.seed + 100)
    for i, (name, adapters) in enumerate([
            ("kohya-sgm", [("kohya-sgm", 1.0)]), ("kohya-half", [("kohya-sgm", 0.5)]), ("kohya-diffusers", [("kohya-diffusers", 0.8)]), ("peft", [("peft", 1.0)]),
            ("peft-rslora", [("peft-rslora", 1.0)]), ("peft-dora", [("peft-dora", 1.0)]), ("two", [("kohya-sgm", 0.7), ("peft", -0.4)])]):
        pipe = models.load(folder)
        for n, (f, _) in enumerate(adapters):
            pipe.load_lora_weights(a.out, weight_name=f + ".safetensors", adapter_name=f"a{n}")
        for n, (f, _) in enumerate(adapters):
            texts = any("lora_te" in k or k.startswith("text_encoder.") for k in load_file(a.out / (f + ".safetensors")))
            assert all(texts == (f"a{n}" in getattr(net, "peft_config", {})) for net in (pipe.text_encoder, pipe.text_encoder_2)), f
        pipe.set_adapters([f"a{n}" for n in range(len(adapters))], [w for _, w in adapters])
        seed = a.seed + 20 + i
        steps[name] = latents(pipe, seed)
        cases.append(dict(name=name, seed=seed, adapters=[dict(name=f, weight=w) for f, w in adapters]))
        if len(adapters) == 1:
            save_file(merged_deltas(pipe), a.out / f"{name}-deltas.safetensors")
    for i, case in enumerate(lycoris_cases()):
        case["seed"] = a.seed + 50 + i
        steps[case["name"]] = lycoris_refs(folder, a.out, case, a.seed + 200 + i)
        cases.append(dict(name=case["name"], seed=case["seed"], adapters=[dict(name=case["name"], weight=1.0)]))
    for i, (name, prompt) in enumerate([("inversion", "a made circle, made"), ("inversion-twice", "made made above a red square")]):
        vectors = inversion(folder, a.out / "words" / "made.safetensors", a.seed + 400)
        pipe = models.load(folder)
        for part, encoder, words in (("clip_l", pipe.text_encoder, pipe.tokenizer), ("clip_g", pipe.text_encoder_2, pipe.tokenizer_2)):
            pipe.load_textual_inversion(vectors[part], token="<made>", text_encoder=encoder, tokenizer=words)
        seed = a.seed + 90 + i
        steps[name] = latents(pipe, seed, prompt=prompt.replace("made", "<made>"))
        cases.append(dict(name=name, seed=seed, prompt=prompt))
    save_file({k: v.contiguous() for k, v in steps.items()}, a.out / "latents.safetensors")
    (a.out / "adapters.json").write_text(json.dumps(cases, indent=1) + "\n")
