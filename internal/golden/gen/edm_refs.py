"""Writes sched/testdata/edm.json: noise levels, times and ends of runs of diffusers' EDMEulerScheduler and EDMDPMSolverMultistepScheduler, in float32.

    python internal/golden/gen/edm_refs.py
"""
import itertools
import warnings

import diffusers
import torch

from sched_refs import f32, write

warnings.filterwarnings("ignore")
CLASSES = {"EDMEulerScheduler": diffusers.EDMEulerScheduler, "EDMDPMSolverMultistepScheduler": diffusers.EDMDPMSolverMultistepScheduler}
CONFIGS = [
    {}, {"sigma_min": 0.002, "sigma_max": 120.0, "sigma_data": 1.0, "sigma_schedule": "exponential", "prediction_type": "v_prediction"},
    {"final_sigmas_type": "sigma_min"}, {"rho": 5.0, "sigma_max": 40.0},
]


def network(x, t):
    """Any function will do."""
    return 0.7 * torch.tanh(x) - 0.3 * x + 0.05 * t


def case(name, config, steps):
    s = CLASSES[name].from_config(config)
    s.set_timesteps(steps)
    first = torch.randn(8, generator=torch.Generator().manual_seed(5)).reshape(1, 8, 1, 1)
    x = first * s.init_noise_sigma
    for t in s.timesteps:
        out = network(s.scale_model_input(x, t), t)
        x = s.step(out, t, x, return_dict=False)[0]
    return dict(config=dict(config, _class_name=name), steps=steps, sigmas=f32(s.sigmas), timesteps=f32(s.timesteps), init_noise_sigma=float(s.init_noise_sigma), last=f32(x))


if __name__ == "__main__":
    write("edm.json", [case(*c) for c in itertools.product(CLASSES, CONFIGS, (2, 5, 14, 25))])
