"""Reference values of the networks alone, and of their modules."""
import json

import torch
from safetensors.torch import save_file

TEXTS = ["a red circle above a blue square", "", "Two   TINY stars, at dusk! (detailed) 4k", "an astronaut riding a horse " * 12, "naïve café 猫 🐈"]
UNET_CASES = [(1, 12, 12, 981.0), (2, 8, 24, 1.0), (1, 9, 13, 499.5), (2, 13, 7, 0.25), (1, 5, 5, 999.0)]  # batch, height, width, timestep


def save(path, **tensors):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, path)


def tapped(module, names):
    """Registers hooks that keep the outputs of submodules; returns the dict they fill."""
    out, handles = {}, []

    def keep(name):
        def hook(_, __, y):
            y = y[0] if isinstance(y, tuple) else getattr(y, "sample", y)
            out[name] = y.detach().clone()
        return hook
    for name, m in module.named_modules():
        if name in names:
            handles.append(m.register_forward_hook(keep(name)))
    return out, handles


def unet_modules(unet):
    names = ["conv_in", "time_embedding", "add_embedding", "mid_block", "down_blocks.1", "up_blocks.0"]
    for name, _ in unet.named_modules():
        parts = name.split(".")
        if len(parts) >= 2 and parts[-2] in ("resnets", "attentions", "transformer_blocks") or parts[-2:-1] in (["downsamplers"], ["upsamplers"]):
            names.append(name)
    return names


@torch.no_grad()
def write_text(pipe, out, texts=TEXTS):
    out.mkdir(parents=True, exist_ok=True)
    (out / "texts.json").write_text(json.dumps(texts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name, tok, model in (("clip-l", pipe.tokenizer, pipe.text_encoder), ("clip-g", pipe.tokenizer_2, pipe.text_encoder_2)):
        ids = tok(texts, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
        o = model(ids, output_hidden_states=True)
        pooled = o.text_embeds if hasattr(o, "text_embeds") else o.pooler_output
        layers = {"text_model.embeddings": o.hidden_states[0][:1], **{f"text_model.encoder.layers.{i}": h[:1] for i, h in enumerate(o.hidden_states[1:])}}
        save(out / f"{name}.safetensors", ids=ids, hidden=o.hidden_states[-2], pooled=pooled, **{"tap." + k: v for k, v in layers.items()})


@torch.no_grad()
def write_unet(pipe, out, g, cases=UNET_CASES):
    u = pipe.unet
    pooled = u.config.projection_class_embeddings_input_dim - 6 * u.config.addition_time_embed_dim
    for i, (b, h, w, t) in enumerate(cases):
        x = dict(sample=torch.randn(b, 4, h, w, generator=g), timestep=torch.tensor([t]),
                 encoder_hidden_states=torch.randn(b, 77, u.config.cross_attention_dim, generator=g), text_embeds=torch.randn(b, pooled, generator=g),
                 time_ids=torch.tensor([[8.0 * h, 8.0 * w, 3.0 + 40 * k, 17.0, 1024.0, 768.0 - 128 * k] for k in range(b)]))
        taps, handles = tapped(u, unet_modules(u) if i == 0 else [])
        y = u(x["sample"], x["timestep"][0], x["encoder_hidden_states"], added_cond_kwargs=dict(text_embeds=x["text_embeds"], time_ids=x["time_ids"])).sample
        for hd in handles:
            hd.remove()
        save(out / f"unet-{b}x{h}x{w}.safetensors", **x, out=y, **{"tap." + k: v for k, v in taps.items()})


@torch.no_grad()
def write_vae(pipe, out, g):
    v = pipe.vae
    names = ["decoder.conv_in", "decoder.mid_block", "encoder.conv_in", "encoder.mid_block"]
    names += [f"{side}_blocks.{i}" for side in ("decoder.up", "encoder.down") for i in range(4)]
    for i, (b, h, w) in enumerate([(1, 3, 4), (2, 5, 7), (1, 1, 3)]):
        z = torch.randn(b, 4, h, w, generator=g)
        taps, handles = tapped(v, [n for n in names if n.startswith("decoder") and n != "decoder.up_blocks.3"] if i == 0 else [])
        y = v.decode(z).sample
        for hd in handles:
            hd.remove()
        save(out / f"vae-decoder-{b}x{h}x{w}.safetensors", latents=z, image=y, **{"tap." + k: t for k, t in taps.items()})
    for i, (b, h, w) in enumerate([(1, 48, 32), (2, 40, 56)]):
        x = torch.rand(b, 3, h, w, generator=g) * 2 - 1
        taps, handles = tapped(v, [n for n in names if n.startswith("encoder") and n != "encoder.down_blocks.0"] if i == 0 else [])
        d = v.encode(x).latent_dist
        for hd in handles:
            hd.remove()
        save(out / f"vae-encoder-{b}x{h}x{w}.safetensors", image=x, mean=d.mean, logvar=d.logvar, **{"tap." + k: t for k, t in taps.items()})
