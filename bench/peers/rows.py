"""The rows of the comparison, and what easel aims at in each."""
from contenders import Easel, Picture, Worker

LINEAR = r"^linear/(2048|8192)x"
CONV = r"^conv3x3/2x64x64x640-640$"
ATTENTION = r"^attention/2x10x4096x4096x64$"


class Row:
    def __init__(self, what, contenders, goal, peer=None):
        """goal is a share of the peer's time, or without a peer GFLOP/s, or seconds of a picture."""
        self.what, self.contenders, self.goal, self.peer = what, contenders, goal, peer


def kernels(shapes, dtype, goal, what):
    def easel(o):
        return Easel(o.easel, "kernels", "unet", "--only", shapes, "--dtype", dtype,
                     "--time", f"{o.time}s", *threads(o))

    def torch(o):
        names = list(easel(o).run()["shapes"])
        return Worker(o.python, "torch_worker.py", "kernels", *names, "--dtype", dtype, "--time", o.time, *threads(o))
    return Row(what, {"easel": easel, "torch": torch}, goal)


def network(name, dtype, goal, peer, batch, what):
    def easel(o):
        return Easel(o.easel, name, "-m", o.model, "--size", o.size, "--batch", batch, "--dtype", dtype, "--warmup", 0, "--runs", 1, *threads(o))

    def python(script, dtype):
        return lambda o: Worker(o.python, script, name, "--model", o.model, "--size", o.size, "--batch", batch, "--dtype", dtype, *threads(o))
    contenders = {"easel": easel}
    if dtype != "int8":
        contenders["torch"] = python("torch_worker.py", dtype)
    if name == "unet" and dtype != "f32":
        contenders["openvino"] = python("openvino_worker.py", "bf16")
    return Row(what, contenders, goal, peer)


def picture(dtype, goal):
    return Row(f"picture in 4 steps without guidance, {dtype}", {"easel": lambda o: Picture(
        o.easel, "-m", o.model, "-p", "a lighthouse at dusk", "--steps", 4, "--cfg", 1, "--seed", 1, "--dtype", dtype,
        "--width", o.size, "--height", o.size, *threads(o))}, goal)


def threads(o):
    return ["--threads", o.threads] if o.threads else []


ROWS = {
    "matmul-f32": kernels(LINEAR, "f32", 450, "linear layers f32"),
    "matmul-bf16": kernels(LINEAR, "bf16", 900, "linear layers bf16"),
    "conv-f32": kernels(CONV, "f32", 1000, "3x3 convolution, 640 channels at 64x64, f32"),
    "conv-bf16": kernels(CONV, "bf16", 950, "3x3 convolution, 640 channels at 64x64, bf16"),
    "attention-f32": kernels(ATTENTION, "f32", 380, "attention 4096 x 4096, 10 heads of 64, f32"),
    "attention-bf16": kernels(ATTENTION, "bf16", 780, "attention 4096 x 4096, 10 heads of 64, bf16"),
    "unet-bf16": network("unet", "bf16", 0.87, "openvino", 2, "UNet step bf16, batch 2"),
    "unet-f32": network("unet", "f32", 0.42, "torch", 2, "UNet step f32, batch 2"),
    "vae-bf16": network("vae", "bf16", 0.40, "torch", 1, "VAE decode bf16"),
    "vae-f32": network("vae", "f32", 0.40, "torch", 1, "VAE decode f32"),
    "unet-int8": network("unet", "int8", 0.60, "openvino", 2, "UNet step int8 (OpenVINO: bf16), batch 2"),
    "picture-bf16": picture("bf16", 45),
}
