"""OpenVINO: python openvino_worker.py unet|vae --model FOLDER --dtype f32|bf16"""
import argparse
import pathlib
import subprocess
import sys

import numpy as np
import openvino as ov

from worker import serve


def exported(folder, network):
    """The model in OpenVINO's own format, beside the weights; exported by a process of its own, whose memory does not count."""
    path = pathlib.Path(folder) / "openvino" / f"{network}.xml"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        partial = path.with_name(f"{network}-partial.xml")
        subprocess.run([sys.executable, pathlib.Path(__file__).with_name("openvino_export.py"), network, folder, partial], check=True)
        partial.with_suffix(".bin").rename(path.with_suffix(".bin"))
        partial.rename(path)
    return path


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("workload", choices=["unet", "vae"])
    p.add_argument("--model", required=True)
    p.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    p.add_argument("--size", type=int, default=1024)
    p.add_argument("--batch", type=int, default=2)
    p.add_argument("--threads", type=int, default=0)
    a = p.parse_args()
    core = ov.Core()
    model = core.read_model(exported(a.model, a.workload))
    shapes = {}
    for i, port in enumerate(model.inputs):
        shape = [d.get_length() if d.is_static else a.batch for d in port.get_partial_shape()]
        if len(shape) == 4:
            shape[2:] = [a.size // 8, a.size // 8]
        shapes[i] = shape
    model.reshape(shapes)
    config = {"INFERENCE_PRECISION_HINT": a.dtype, "PERFORMANCE_HINT": "LATENCY"}
    if a.threads:
        config["INFERENCE_NUM_THREADS"] = a.threads
    compiled = core.compile_model(model, "CPU", config)
    rng = np.random.default_rng(1)
    data = {i: rng.standard_normal(port.shape, dtype=np.float32) for i, port in enumerate(compiled.inputs)}
    request = compiled.create_infer_request()


    def work():
        request.infer(data)
    serve(work)
