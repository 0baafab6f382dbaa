"""The rows of the comparison, and what easel aims at in each."""
from goals import anonymous, rate, resident, seconds, share
from contenders import Easel, Picture, Worker

LINEAR = r"^linear/(2048|8192)x"
CONV = r"^conv3x3/2x64x64x640-640$"
ATTENTION = r"^attention/2x10x4096x4096x64$"


class Row:
    def __init__(self, what, contenders, *goals):
        self.what, self.contenders, self.goals = what, contenders, goals


def kernels(shapes, dtype, gflops, what):
    def easel(o):
        return Easel(o.easel, "kernels", "unet", "--only", shapes, "--dtype", dtype,
                     "--time", f"{o.time}s", *threads(o))

    def torch(o):
        names = list(easel(o).run()["shapes"])
        return Worker(o.python, "torch_worker.py", "kernels", *names, "--dtype", dtype, "--time", o.time, *threads(o))

    def onnxruntime(o):
        names = list(easel(o).run()["shapes"])
        return Worker(o.python, "onnxruntime_worker.py", *names, "--time", o.time, *threads(o))
    contenders = {"easel": easel, "torch": torch}
    if dtype == "f32":
        contenders["onnxruntime"] = onnxruntime
    return Row(what, contenders, rate(gflops))


def network(name, dtype, batch, what, *goals):
    def easel(o):
        return Easel(o.easel, name, "-m", o.model, "--size", o.size, "--batch", batch, "--dtype", dtype, "--warmup", 0, "--runs", 1, *threads(o))

    def python(script, dtype):
        return lambda o: Worker(o.python, script, name, "--model", o.model, "--size", o.size, "--batch", batch, "--dtype", dtype, *threads(o))
    contenders = {"easel": easel}
    if dtype != "int8":
        contenders["torch"] = python("torch_worker.py", dtype)
    if name == "unet" and dtype != "f32":
        contenders["openvino"] = python("openvino_worker.py", "bf16")
    return Row(what, contenders, *goals)


def picture(o, *more):
    return Picture(o.easel, "-m", o.model, "-p", "a lighthouse at dusk", "--seed", 1, "--width", o.size, "--height", o.size, *threads(o), *more)


def limited(memory, *goals):
    """A picture of two steps with guidance, with and without a limit of memory."""
    work = ["--steps", 2, "--dtype", "bf16"]
    return Row(f"picture in 2 steps, bf16, --memory {memory}", {
        "easel": lambda o: picture(o, *work, "--memory", memory), "no limit": lambda o: picture(o, *work)}, *goals)


def threads(o):
    return ["--threads", o.threads] if o.threads else []


def small_picture(o, *more):
    return picture(o, *more, "--width", 512, "--height", 512, "--steps", 2, "--cfg", 1, "--sampler", "euler")


def stable_diffusion_cpp(o):
    return Worker(o.python, "stable_diffusion_cpp_worker.py", "--model", o.model, "--easel", o.easel, "--size", 512, "--steps", 2, *threads(o))


ROWS = {
    "matmul-f32": kernels(LINEAR, "f32", 450, "linear layers f32"),
    "matmul-bf16": kernels(LINEAR, "bf16", 900, "linear layers bf16"),
    "conv-f32": kernels(CONV, "f32", 1000, "3x3 convolution, 640 channels at 64x64, f32"),
    "conv-bf16": kernels(CONV, "bf16", 950, "3x3 convolution, 640 channels at 64x64, bf16"),
    "attention-f32": kernels(ATTENTION, "f32", 380, "attention 4096 x 4096, 10 heads of 64, f32"),
    "attention-bf16": kernels(ATTENTION, "bf16", 780, "attention 4096 x 4096, 10 heads of 64, bf16"),
    "unet-bf16": network("unet", "bf16", 2, "UNet step bf16, batch 2", share("openvino", 0.87)),
    "unet-f32": network("unet", "f32", 2, "UNet step f32, batch 2", share("torch", 0.42)),
    "vae-bf16": network("vae", "bf16", 1, "VAE decode bf16", share("torch", 0.40), resident(1)),
    "vae-f32": network("vae", "f32", 1, "VAE decode f32", share("torch", 0.40), resident(1)),
    "unet-int8": network("unet", "int8", 2, "UNet step int8 (OpenVINO: bf16), batch 2", share("openvino", 0.60)),
    "picture-bf16": Row("picture in 4 steps without guidance, bf16", {
        "easel": lambda o: picture(o, "--steps", 4, "--cfg", 1, "--dtype", "bf16")}, seconds(45)),
    "picture-512": Row("512x512 picture in 2 steps without guidance, bf16 (stable-diffusion.cpp: fp16 weights)", {
        "easel": lambda o: small_picture(o, "--dtype", "bf16"), "stable-diffusion.cpp": stable_diffusion_cpp}),
    "memory-1gib": limited("1GiB", share("no limit", 1.10), anonymous(1)),
    "memory-300mib": limited("300MiB", anonymous(0.3)),
}
