"""onnxruntime: python onnxruntime_worker.py linear/2048x1280x1280 ... , single operations in float32"""
import argparse
import re

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from worker import best_times, serve

OPSET = 17


def normal(rng, *size):
    return rng.standard_normal(size, dtype=np.float32)


def graph(name, rng):
    """The nodes, constants and inputs of a shape as easel bench kernels names it."""
    kind, shape = name.split("/", 1)
    stride = int(shape.split("/")[1]) if "/" in shape else 1
    n = [int(v) for v in re.split("[x-]", shape.split("/")[0])]
    if kind == "linear":
        m, out, k = n
        return [helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": normal(rng, k, out) / k ** 0.5}, {"x": normal(rng, m, k)}
    if kind.startswith("conv"):
        b, h, w, ci, co = n
        k = int(kind[-1])
        node = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[k, k], strides=[stride] * 2, pads=[k // 2] * 4)
        return [node], {"w": normal(rng, co, ci, k, k) / (ci * k * k) ** 0.5}, {"x": normal(rng, b, ci, h, w)}
    b, heads, tq, tk, d = n
    nodes = [helper.make_node("MatMul", ["q", "k"], ["s"]), helper.make_node("Mul", ["s", "scale"], ["t"]),
             helper.make_node("Softmax", ["t"], ["p"], axis=-1), helper.make_node("MatMul", ["p", "v"], ["y"])]
    return nodes, {"scale": np.float32(d ** -0.5)}, {"q": normal(rng, b, heads, tq, d), "k": normal(rng, b, heads, d, tk), "v": normal(rng, b, heads, tk, d)}


def session(name, threads):
    nodes, constants, inputs = graph(name, np.random.default_rng(1))
    value = lambda key, shape: helper.make_tensor_value_info(key, TensorProto.FLOAT, shape)
    axes = [f"d{i}" for i in range(len(next(iter(inputs.values())).shape))]
    g = helper.make_graph(nodes, "operation", [value(k, v.shape) for k, v in inputs.items()], [value("y", axes)],
                          [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    model = helper.make_model(g, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    s = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: s.run(None, inputs)


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("shapes", nargs="+")
    p.add_argument("--threads", type=int, default=0)
    p.add_argument("--time", type=float, default=0.25)
    a = p.parse_args()
    operations = {name: session(name, a.threads) for name in a.shapes}
    serve(lambda: best_times(operations, a.time))
