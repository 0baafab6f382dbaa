"""PyTorch and diffusers: python torch_worker.py unet|vae|kernels ... --dtype f32|bf16"""
import argparse
import re

import torch
import torch.nn.functional as F

from worker import best_times, serve

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def unet(args, dtype):
    from diffusers import UNet2DConditionModel
    model = UNet2DConditionModel.from_pretrained(args.model, subfolder="unet", torch_dtype=dtype, low_cpu_mem_usage=True).eval()
    pooled = model.config.projection_class_embeddings_input_dim - 6 * model.config.addition_time_embed_dim

    def step(size):
        b = args.batch
        context = model.config.cross_attention_dim
        width = context[0] if isinstance(context, (list, tuple)) else context
        model(torch.randn(b, 4, size // 8, size // 8, dtype=dtype), torch.tensor(500.0), torch.randn(b, 77, width, dtype=dtype),
              added_cond_kwargs={"text_embeds": torch.randn(b, pooled, dtype=dtype), "time_ids": torch.zeros(b, 6, dtype=dtype)})
    return step


def vae(args, dtype):
    from diffusers import AutoencoderKL
    model = AutoencoderKL.from_pretrained(args.model, subfolder="vae", torch_dtype=dtype, low_cpu_mem_usage=True).eval()

    def decode(size):
        model.decode(torch.randn(args.batch, 4, size // 8, size // 8, dtype=dtype))
    return decode


def operation(name, dtype):
    """The operation of a shape as easel bench kernels names it, such as linear/2048x1280x1280."""
    kind, shape = name.split("/", 1)
    stride = int(shape.split("/")[1]) if "/" in shape else 1
    n = [int(v) for v in re.split("[x-]", shape.split("/")[0])]
    r = lambda *size: torch.randn(*size).to(dtype)
    if kind == "linear":
        m, out, k = n
        x, w = r(m, k), r(out, k) / k ** 0.5
        return lambda: F.linear(x, w)
    if kind.startswith("conv"):
        b, h, w, ci, co = n
        k = int(kind[-1])
        x = r(b, ci, h, w).to(memory_format=torch.channels_last)
        weight = (r(co, ci, k, k) / (ci * k * k) ** 0.5).to(memory_format=torch.channels_last)
        return lambda: F.conv2d(x, weight, stride=stride, padding=k // 2)
    b, heads, tq, tk, d = n
    q, k, v = r(b, heads, tq, d), r(b, heads, tk, d), r(b, heads, tk, d)
    return lambda: F.scaled_dot_product_attention(q, k, v)


def kernels(args, dtype):
    operations = {name: operation(name, dtype) for name in args.shapes}
    return lambda _: best_times(operations, args.time)


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("workload", choices=["unet", "vae", "kernels"])
    p.add_argument("shapes", nargs="*")
    p.add_argument("--model")
    p.add_argument("--dtype", choices=list(DTYPES), default="f32")
    p.add_argument("--size", type=int, default=1024)
    p.add_argument("--batch", type=int, default=2)
    p.add_argument("--threads", type=int, default=0)
    p.add_argument("--time", type=float, default=0.25)
    a = p.parse_args()
    if a.threads:
        torch.set_num_threads(a.threads)
    with torch.inference_mode():
        work = {"unet": unet, "vae": vae, "kernels": kernels}[a.workload](a, DTYPES[a.dtype])
        if a.workload != "kernels":
            work(min(a.size, 128))  # threads, code and allocator are warm; the pages of the weights too
        serve(lambda: work(a.size))
