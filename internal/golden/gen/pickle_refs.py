"""Writes internal/golden/testdata/files/pickle: state dicts as torch saves them, now and before 1.6,
with tensors of every type and view; an embedding as the web UI saves it; a checkpoint as
Lightning does; and pickles that call what they may not. state.safetensors has the tensors
of the state dicts. Run from the repository root."""
import collections
import os
import pickle

import torch
from safetensors.torch import save_file

OUT = "internal/golden/testdata/files/pickle/"
torch.manual_seed(3)
base = torch.randn(6, 8)
state = collections.OrderedDict(
    f32=base, f16=base.half(), bf16=base.bfloat16(), f64=base.double(), i64=torch.arange(5), i32=torch.arange(5, dtype=torch.int32), i16=torch.arange(5, dtype=torch.int16),
    i8=torch.arange(-2, 3, dtype=torch.int8), u8=torch.arange(5, dtype=torch.uint8), bool=torch.tensor([True, False, True]), scalar=torch.tensor(2.5), empty=torch.zeros(0, 3),
    part=base[2:4], transposed=base.t(), every_second=base[:, ::2], channels_last=torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    f8=base.to(torch.float8_e4m3fn), parameter=torch.nn.Parameter(torch.randn(3)), frozen=torch.nn.Parameter(torch.randn(2), requires_grad=False))
torch.save(state, OUT + "new.pt")
torch.save({k: v for k, v in state.items() if k != "f8"}, OUT + "old.pt", _use_new_zipfile_serialization=False)
torch.save({"epoch": 3, "global_step": 1000, "state_dict": {"model.a": base, "model.b": base[0]}, "callbacks": {"x": {"best": None, "list": [1, 2.5, "three", (4,)]}},
            "optimizer_states": [{"state": {0: {"exp_avg": base}}}], "big": 1 << 80}, OUT + "lightning.ckpt")
torch.save({"string_to_token": {"*": 265}, "string_to_param": {"*": torch.randn(2, 8, requires_grad=True)}, "name": "style", "step": 50, "sd_checkpoint": None}, OUT + "embedding.pt")
torch.save(torch.nn.Linear(3, 2).state_dict(), OUT + "linear.bin")
save_file({k: v.detach().contiguous().clone() for k, v in state.items()}, OUT + "state.safetensors")


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/easel-pickle-ran",)


class Object:
    def __init__(self):
        self.x = 1


torch.save({"a": base, "evil": Evil()}, OUT + "evil.pt")
torch.save({"a": base, "evil": Evil()}, OUT + "evil-old.pt", _use_new_zipfile_serialization=False)
with open(OUT + "evil.pkl", "wb") as f:
    pickle.dump(Evil(), f, protocol=2)
torch.save({"a": base, "object": collections.Counter("abc")}, OUT + "counter.pt")
