"""stable-diffusion.cpp: one picture without guidance, from fp16 weights in a single file, which easel mkmodel writes"""
import argparse
import os
import subprocess
import sys

sys.stdout, _ = os.fdopen(os.dup(1), "w"), os.dup2(2, 1)  # the library prints: not between the answers

from stable_diffusion_cpp import StableDiffusion

from worker import serve

if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--model", required=True, help="single file, or a folder that it is made beside")
    p.add_argument("--easel", default="easel")
    p.add_argument("--size", type=int, default=512)
    p.add_argument("--steps", type=int, default=2)
    p.add_argument("--threads", type=int, default=0)
    a = p.parse_args()
    single = a.model.rstrip("/").removesuffix(".safetensors") + ".safetensors"
    if not os.path.exists(single):
        subprocess.run([a.easel, "mkmodel", "--preset", "sdxl-base", "-o", single], check=True)
    sd = StableDiffusion(model_path=single, n_threads=a.threads or -1, diffusion_flash_attn=True, vae_decode_only=True, verbose=False)

    def work():
        sd.generate_image(prompt="a lighthouse at dusk", width=a.size, height=a.size, sample_steps=a.steps, cfg_scale=1.0, sample_method="euler", seed=1)
    serve(work)
