"""Weights that anyone can compute again from a tensor's name and shape, so that no file has to hold them."""
import zlib

import numpy
import torch


def hashed(name, shape):
    """Values of about unit gain: each is a hash of the name and the place, as testdata/README.md says."""
    x = numpy.arange(int(numpy.prod(shape)), dtype=numpy.uint32) + numpy.uint32(zlib.crc32(name.encode()))
    for shift, by in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x ^= x >> numpy.uint32(shift)
        x *= numpy.uint32(by)
    x ^= x >> numpy.uint32(16)
    noise = (x.view(numpy.int32) >> 8).astype(numpy.float32) * numpy.float32(2 ** -23)  # from -1 to less than 1
    if name.endswith("bias"):
        values = noise * numpy.float32(0.1)
    elif len(shape) == 1:
        values = noise * numpy.float32(0.25) + numpy.float32(1)
    else:
        values = noise * numpy.float32((3 / numpy.prod(shape[1:])) ** 0.5)
    return torch.from_numpy(values.reshape(shape))


def fill(module):
    """Gives all parameters of a module hashed values."""
    module.load_state_dict({name: hashed(name, t.shape) for name, t in module.state_dict().items()})
    return module.eval()
