"""Writes sched/testdata/classes.json: noise levels, times and ends of runs of diffusers' schedulers by the class that a scheduler_config.json names, in float32.

    python internal/golden/gen/class_refs.py
"""
import warnings

import diffusers
import numpy as np
import torch

from edm_refs import network
from sched_refs import SDXL, f32, write

warnings.filterwarnings("ignore")
BASE = {k: SDXL[k] for k in ("beta_start", "beta_end", "beta_schedule", "num_train_timesteps")}
SPACINGS = [{}, {"timestep_spacing": "leading", "steps_offset": 1}, {"timestep_spacing": "trailing", "prediction_type": "v_prediction"}]
SHAPES = [{"use_karras_sigmas": True}, {"use_exponential_sigmas": True}, {"use_beta_sigmas": True}]
CASES = {
    "DEISMultistepScheduler": [*SPACINGS, *SHAPES, {"solver_order": 3}, {"solver_order": 1, "lower_order_final": False}],
    "UniPCMultistepScheduler": [*SPACINGS, *SHAPES, {"solver_order": 3}, {"solver_type": "bh1", "final_sigmas_type": "sigma_min"}, {"final_sigmas_type": "sigma_min"}],
    "SASolverScheduler": SPACINGS,
    "PNDMScheduler": [{"skip_prk_steps": True}, {"skip_prk_steps": True, "steps_offset": 1}],
    "TCDScheduler": [{}, {"prediction_type": "v_prediction"}, {"beta_end": 0.01}],
    "LCMScheduler": [{}],
    "DPMSolverMultistepScheduler": [dict(s, algorithm_type="sde-dpmsolver++") for s in [{}, {"solver_type": "heun"}, {"use_karras_sigmas": True}]],
}


def case(name, config, steps):
    config = dict(BASE, **config)
    s = getattr(diffusers, name).from_config(config)
    s.set_timesteps(steps)
    g = torch.Generator().manual_seed(5)
    x = torch.randn(1, 8, 1, 1, generator=g) * s.init_noise_sigma
    more = {} if name in ("DEISMultistepScheduler", "UniPCMultistepScheduler", "PNDMScheduler") else {"generator": g}
    for t in s.timesteps:
        x = s.step(network(x, t), t, x, return_dict=False, **more)[0]
    times = s.timesteps.tolist()
    if name == "PNDMScheduler":
        times = times[:1] + times[2:]
    return dict(config=dict(config, _class_name=name), steps=steps, sigmas=f32(s.sigmas) if hasattr(s, "sigmas") else None, timesteps=times, last=f32(x))


if __name__ == "__main__":
    cases = [case(n, c, k) for n, configs in CASES.items() for c in configs for k in (2, 5, 17)]
    broken = [c for c in cases if not np.isfinite(c["last"]).all()]
    print("not finite there:", *(f"{c['config']['_class_name']} {c['steps']} {c['config']}" for c in broken), sep="\n")
    write("classes.json", [c for c in cases if c not in broken])
