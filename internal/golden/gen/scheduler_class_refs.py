"""Writes what diffusers' schedulers do, class by class and option by option, to sched/testdata:

class_defaults.json  the value of every field that a scheduler_config.json leaves out
class_states.*       timesteps, levels and the states of whole loops on a small network that is not linear: of the configurations in
                     scheduler_cases.json, which are those of diffusers' own tests of its schedulers, and of those below
name_states.*        the same of classes that start from SDXL's own file, with the schedules and spacings that they have
file_states.*        the same of classes that start from another class's file

    python internal/golden/gen/scheduler_class_refs.py

A loop runs in float64 where the class does. Noise is drawn in float32 and widened. Two classes have parts in float32 whose rounding would hide what
they mean, and get these parts wider: the weights of SASolver, small differences of large numbers, follow from its levels, which are widened; and the
exponentials of DPMSolverSDE, which ask a Brownian motion, are those of float64, rounded. A configuration that diffusers refuses, or whose loop is not
finite there, is listed with the reason.
"""
import gzip
import inspect
import itertools
import json
import math
import pathlib
import sys
import warnings

import diffusers
import numpy as np
import torch
from safetensors.numpy import save_file

from sched_refs import OUT, SDXL

HERE = pathlib.Path(__file__).parent
CLASSES = [f"{n}Scheduler" for n in (
    "EulerDiscrete", "EulerAncestralDiscrete", "HeunDiscrete", "KDPM2Discrete", "KDPM2AncestralDiscrete", "LMSDiscrete", "DPMSolverSDE",
    "DDIM", "DDIMParallel", "DDPM", "DDPMParallel", "PNDM", "LCM", "TCD", "IPNDM", "DPMSolverMultistep", "DPMSolverSinglestep",
    "DEISMultistep", "UniPCMultistep", "SASolver", "EDMEuler", "EDMDPMSolverMultistep")]
SHAPE = (2, 4, 1, 1)
SPACINGS = ("leading", "linspace", "trailing")
KARRAS, EXPONENTIAL, BETA, LU = ({f"use_{n}": True} for n in ("karras_sigmas", "exponential_sigmas", "beta_sigmas", "lu_lambdas"))


def network(x, t):
    """Not linear, with neighbours that matter and a time that does."""
    return 0.6 * torch.tanh(1.5 * x) + 0.25 * torch.roll(x, 1, 1) - 0.1 * x * x / (1 + x * x) + 0.1 * math.cos(float(t) / 300)


def float32_noise(shape, generator=None, device=None, dtype=None, layout=None):
    return torch.randn(shape, generator=generator).to(dtype or torch.float32)


for module in list(sys.modules.values()):
    if module.__name__.startswith("diffusers.schedulers.scheduling_") and hasattr(module, "randn_tensor"):
        module.randn_tensor = float32_noise


def rounded_once(f):
    """A function of float32 numbers that rounds but once: torch's own is a unit off for one number in a hundred, and differs between processors."""
    return lambda x: f(x.double()).to(x.dtype)


torch.Tensor.exp = rounded_once(torch.Tensor.exp)


def loop(scheduler, steps, start=0, **extra):
    """Timesteps, levels and states after each step, or the reason why not."""
    scheduler.set_timesteps(steps)
    if isinstance(scheduler, diffusers.SASolverScheduler):
        scheduler.sigmas = scheduler.sigmas.double()
    g = torch.Generator().manual_seed(5)
    dtype = torch.float32 if "SDE" in type(scheduler).__name__ else torch.float64
    times, order = scheduler.timesteps, scheduler.order
    if hasattr(scheduler, "index_for_timestep") and (times[order:] == times[0]).any() and not start:
        raise ArithmeticError("its first timestep is there twice, and it begins at the second")
    first = torch.randn(SHAPE, generator=g)
    x = first.to(dtype) * scheduler.init_noise_sigma
    if start:
        scheduler.set_begin_index(start * order) if hasattr(scheduler, "set_begin_index") else None
        times = times[start * order:]
        x = scheduler.add_noise(torch.full(SHAPE, 0.5, dtype=dtype), first.to(dtype), times[:1])
    if "generator" in inspect.signature(scheduler.step).parameters:
        extra["generator"] = g
    if "TCD" in type(scheduler).__name__:
        extra = {"eta": 0.0} | extra  # as the pipelines do
    states, told = [], []
    for t in times:
        if getattr(scheduler, "state_in_first_order", True):
            told.append(float(t))
        x = scheduler.step(network(scheduler.scale_model_input(x, t), t), t, x, return_dict=False, **extra)[0]
        if getattr(scheduler, "state_in_first_order", True):
            states.append(x.double().numpy().ravel())
    return told, levels(scheduler), float(scheduler.init_noise_sigma), np.stack(states)


def levels(scheduler):
    """Its own levels, each once; nothing for a class that has none."""
    if not isinstance(getattr(scheduler, "sigmas", None), torch.Tensor):
        return []
    s = scheduler.sigmas.tolist()
    return s[:1] + s[1:-1:2] + s[-1:] if "Heun" in type(scheduler).__name__ or "SDE" in type(scheduler).__name__ else \
        s[:1] + s[1:-1:2] if "KDPM2" in type(scheduler).__name__ else s


def defaults():
    table = {}
    for name in CLASSES:
        parameters = inspect.signature(getattr(diffusers, name).__init__).parameters
        table[name] = {k: None if isinstance(p.default, float) and math.isinf(p.default) else p.default for k, p in parameters.items() if k != "self"}
    (OUT / "class_defaults.json").write_text(json.dumps(table, indent=1) + "\n")


ANY = [{"timestep_spacing": s, "steps_offset": o} for s in SPACINGS for o in (0, 1)] + [
    {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}, {"beta_schedule": "squaredcos_cap_v2"},
    {"prediction_type": "v_prediction"}, {"prediction_type": "sample"}, {"num_train_timesteps": 777},
    {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction", "timestep_spacing": "trailing"},
    {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction", "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
    {"trained_betas": [0.02 + 0.001 * i for i in range(60)], "num_train_timesteps": 60}]
SHAPED = [dict(s, **m) for s in (KARRAS, EXPONENTIAL, BETA, LU) for m in ({}, {"final_sigmas_type": "sigma_min"}, {"beta_schedule": "squaredcos_cap_v2"})] + [
    dict(s, sigma_min=0.05, sigma_max=20.0, **m) for s in (KARRAS, EXPONENTIAL, BETA) for m in ({}, {"timestep_spacing": "trailing"})]
CLIPPED = [{"clip_sample": c, "clip_sample_range": r, "prediction_type": p} for c in (True, False) for r in (0.7, 1.5) for p in ("epsilon", "v_prediction")]
LIMITED = [{"thresholding": True, "dynamic_thresholding_ratio": r, "sample_max_value": m, "prediction_type": p} for r in (0.6, 0.995) for m in (1.0, 3.0)
           for p in ("epsilon", "v_prediction")]
ENDS = [{"final_sigmas_type": f, "lower_order_final": low} for f in ("zero", "sigma_min") for low in (True, False)]
ALGORITHMS = [dict(algorithm_type=a, solver_type=s, solver_order=o, final_sigmas_type="sigma_min", **m) for a in ("dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++")
              for s in ("midpoint", "heun") for o in (1, 2, 3) for m in ({}, {"lower_order_final": True}, KARRAS)]
OWN = {
    "EulerDiscreteScheduler": [*SHAPED, {"interpolation_type": "log_linear", "timestep_spacing": "trailing"}, {"prediction_type": "original_sample"},
                               {"timestep_type": "continuous", "prediction_type": "v_prediction", **KARRAS}, {"interpolation_type": "log_linear", **KARRAS}],
    "EulerAncestralDiscreteScheduler": [],
    "HeunDiscreteScheduler": [*SHAPED, *CLIPPED, {"beta_schedule": "exp"}],
    "KDPM2DiscreteScheduler": SHAPED, "KDPM2AncestralDiscreteScheduler": SHAPED, "LMSDiscreteScheduler": SHAPED, "DPMSolverSDEScheduler": SHAPED,
    "DDIMScheduler": [*CLIPPED, *LIMITED, {"set_alpha_to_one": False, "timestep_spacing": "leading", "steps_offset": 1},
                      {"set_alpha_to_one": False, "timestep_spacing": "linspace", "clip_sample": False}],
    "DDPMScheduler": [*CLIPPED, *LIMITED, *({"variance_type": v} for v in ("fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log", "learned")),
                      {"beta_schedule": "sigmoid"}, {"beta_schedule": "laplace"}, {"variance_type": "fixed_large", "timestep_spacing": "linspace", "clip_sample": False}],
    "DDIMParallelScheduler": [{"timestep_spacing": "linspace"}], "DDPMParallelScheduler": [{"timestep_spacing": "linspace"}],
    "PNDMScheduler": [dict(skip_prk_steps=s, timestep_spacing=sp, steps_offset=1, set_alpha_to_one=a, prediction_type=p)
                      for s in (True, False) for sp in SPACINGS for a in (True, False) for p in ("epsilon", "v_prediction")],
    "LCMScheduler": [*CLIPPED, *LIMITED, {"timestep_scaling": 0.005}, {"original_inference_steps": 25}, {"original_inference_steps": 100}],
    "TCDScheduler": [{"clip_sample": True, "clip_sample_range": 0.5}, {"original_inference_steps": 25}, {"timestep_scaling": 0.005}],
    "IPNDMScheduler": [],
    "DPMSolverMultistepScheduler": [*SHAPED, *LIMITED, *ENDS, *ALGORITHMS, {"euler_at_final": True, "final_sigmas_type": "sigma_min"}, {"lambda_min_clipped": -3.0},
                                    {"lambda_min_clipped": -3.0, "timestep_spacing": "leading"}, {"lambda_min_clipped": -3.0, "timestep_spacing": "trailing"},
                                    *(dict(c, algorithm_type="dpmsolver", final_sigmas_type="sigma_min") for c in LIMITED), {"variance_type": "learned_range"}],
    "DPMSolverSinglestepScheduler": [*SHAPED, *LIMITED, *ENDS, *ALGORITHMS, {"lambda_min_clipped": -3.0}, {"solver_order": 3, "lower_order_final": False, **KARRAS}],
    "DEISMultistepScheduler": [*SHAPED, *LIMITED, *(dict(c, solver_order=o) for c in ENDS for o in (1, 2, 3)), {"solver_order": 3, **KARRAS}],
    "UniPCMultistepScheduler": [*SHAPED, *LIMITED, *(dict(c, solver_order=o, solver_type=b, predict_x0=p) for c in ENDS for o in (1, 2, 3, 4) for b in ("bh1", "bh2")
                                for p in (True, False)), {"disable_corrector": [0, 1, 2]}, {"disable_corrector": [3], "solver_order": 3}, {"sigma_min": 0.1, "sigma_max": 9.0, **KARRAS}],
    "SASolverScheduler": [*SHAPED, *LIMITED, *(dict(predictor_order=p, corrector_order=c, algorithm_type=a, **m) for p in (1, 2, 3, 4) for c in (1, 2, 3, 4)
                          for a in ("data_prediction", "noise_prediction") for m in ({}, {"lower_order_final": False})), {"lambda_min_clipped": -3.0}],
    "EDMEulerScheduler": [{"sigma_data": 1.0, "prediction_type": "v_prediction", "sigma_max": 120.0}, {"sigma_data": 0.7}, {"sigma_schedule": "exponential"}, {"rho": 4.0},
                          {"sigma_schedule": "exponential", "final_sigmas_type": "sigma_min"}],
    "EDMDPMSolverMultistepScheduler": [{"sigma_data": 1.0, "prediction_type": "v_prediction"}, {"sigma_data": 0.7}, {"sigma_schedule": "exponential"}, {"rho": 4.0}, *LIMITED, *ENDS,
                                       *(dict(algorithm_type=a, solver_type=s, solver_order=o) for a in ("dpmsolver++", "sde-dpmsolver++") for s in ("midpoint", "heun") for o in (1, 2, 3)),
                                       {"euler_at_final": True, "final_sigmas_type": "sigma_min"}],
}
EXTRA = [("DDIMScheduler", {"clip_sample": False}, {"eta": 1.0}), ("DDIMScheduler", {}, {"eta": 0.4}), ("TCDScheduler", {}, {"eta": 0.3}),
         ("TCDScheduler", {"prediction_type": "v_prediction"}, {"eta": 1.0}), ("EulerDiscreteScheduler", {}, {"s_churn": 3.0}),
         ("EDMEulerScheduler", {}, {"s_churn": 3.0, "s_noise": 1.1})]
TAILS = [(n, {**SDXL_, **more}) for SDXL_ in [{k: v for k, v in SDXL.items() if k.startswith("beta") or k in ("timestep_spacing", "steps_offset")}]
         for n in CLASSES if n not in ("IPNDMScheduler", "EDMEulerScheduler", "EDMDPMSolverMultistepScheduler", "DDIMParallelScheduler", "DDPMParallelScheduler")
         for more in ([{"skip_prk_steps": True}] if n == "PNDMScheduler" else [{}, {"solver_order": 3}] if "Multistep" in n or "Single" in n else [{}])]


def configurations():
    """Class, configuration, number of steps, where to start and what a step is given."""
    for name, config in json.loads((HERE / "scheduler_cases.json").read_text()):
        yield name, config, 10, 0, {}
    for name in CLASSES:
        seen = set()
        for i, config in enumerate([{}, *ANY, *OWN[name]]):
            accepted = inspect.signature(getattr(diffusers, name).__init__).parameters
            config = {k: v for k, v in config.items() if k in accepted or k in ("sigma_min", "sigma_max")}
            if (key := json.dumps(config)) not in seen:
                seen.add(key)
                yield name, config, (10, 6, 17)[i % 3], 0, {}
    for name, config, extra in EXTRA:
        yield name, config, 8, 0, extra
    for name, config in TAILS:
        yield name, config, 10, 4, {}


def run(name, config, steps, start=0, extra={}):
    config = dict(config)
    if name == "DPMSolverSDEScheduler":
        config.setdefault("noise_sampler_seed", 7)  # or it takes one of torch's own
    case = {"config": dict(config, _class_name=name), "steps": steps}
    case |= {"start": start} if start else {}
    case |= {"extra": extra} if extra else {}
    try:
        scheduler = getattr(diffusers, name).from_config(config)
        times, sigmas, scale, states = loop(scheduler, steps, start, **extra)
        good = np.isfinite(states).all(1) & (np.abs(np.nan_to_num(states)).max(1) < 1e8)
        if not good.all():
            if not good[:-1].all():
                raise ArithmeticError("the loop is not finite")
            states = states[:-1]  # a last step that is not finite is left out
    except Exception as e:
        return case | {"fails": f"{type(e).__name__}: {str(e)[:100]}"}, None
    return case | {"timesteps": times, "sigmas": sigmas, "scale": scale}, states


def write(name, cases):
    index, states = [], []
    for case, s in cases:
        if s is not None:
            case["rows"] = len(s)
            states.append(s.astype(np.float32))
        index.append(case)
    save_file({"states": np.concatenate(states)}, OUT / f"{name}.safetensors")
    with gzip.GzipFile(OUT / f"{name}.json.gz", "wb", mtime=0) as f:
        f.write(json.dumps(index, separators=(",", ":")).encode())
    print(name, len(index), "of which fail there", sum("fails" in c for c in index), sum(map(len, states)), "states")


NAMES = {n: [{}] for n in CLASSES if "Parallel" not in n and "EDM" not in n and n != "IPNDMScheduler"} | {
    "DPMSolverMultistepScheduler": [{}, *({"algorithm_type": "sde-dpmsolver++", **m} for m in ({}, {"solver_type": "heun"}, {"solver_order": 3}))],
    "UniPCMultistepScheduler": [{"solver_type": "bh1"}, {"solver_type": "bh2"}]}


def names():
    for name, overlays in NAMES.items():
        accepted = inspect.signature(getattr(diffusers, name).__init__).parameters
        for overlay, schedule, spacing in itertools.product(overlays, (None, {}, KARRAS, EXPONENTIAL, BETA, LU), (None, *SPACINGS)):
            flags = {k: False for k in ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas") if k in accepted} if schedule is not None else {}
            more = {**overlay, **flags, **(schedule or {}), **({"timestep_spacing": spacing} if spacing else {})}
            if all(k in accepted for k in schedule or {}):
                case, states = run(name, {**{k: v for k, v in SDXL.items() if k != "_class_name"}, **more}, 9)
                case["config"] = {**overlay, "_class_name": name}
                case["schedule"] = "" if schedule is None else "normal" if not schedule else next(iter(schedule)).split("_")[1]
                case["spacing"] = spacing or ""
                yield case, states


# Files as models have them: what they give, and with it what diffusers notes of its defaults when it writes one.
FILES = [
    {"_class_name": "EulerAncestralDiscreteScheduler", **{k: v for k, v in SDXL.items() if k.startswith("beta")}, "timestep_spacing": "trailing", "sample_max_value": 1.0, "clip_sample": False,
     "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1, "prediction_type": "epsilon", "interpolation_type": "linear"},
    {"_class_name": "DPMSolverMultistepScheduler", **{k: v for k, v in SDXL.items() if k.startswith("beta")}, "algorithm_type": "sde-dpmsolver++", "solver_order": 3, "solver_type": "heun",
     "use_karras_sigmas": True, "lower_order_final": False, "euler_at_final": True, "final_sigmas_type": "sigma_min", "timestep_spacing": "leading", "steps_offset": 1,
     "_use_default_values": ["final_sigmas_type", "lower_order_final"]},
    {"_class_name": "PNDMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "skip_prk_steps": True, "set_alpha_to_one": False, "steps_offset": 1},
    {"_class_name": "DDIMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"},
    {"_class_name": "DDIMScheduler"}, {"_class_name": "HeunDiscreteScheduler"}, {"_class_name": "DDPMScheduler", "variance_type": "fixed_large", "thresholding": True, "sample_max_value": 2.0},
    {"_class_name": "LCMScheduler", "original_inference_steps": 40, "timestep_scaling": 1.0, "prediction_type": "epsilon"},
    {"_class_name": "UniPCMultistepScheduler", "solver_order": 3, "solver_type": "bh1", "predict_x0": True, "disable_corrector": [0], "beta_schedule": "scaled_linear", "use_exponential_sigmas": True},
    {"_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": True, "sigma_min": 0.05, "sigma_max": 12.0, "beta_schedule": "squaredcos_cap_v2", "final_sigmas_type": "sigma_min"},
    {"_class_name": "SASolverScheduler", "predictor_order": 3, "corrector_order": 4, "algorithm_type": "data_prediction", "num_train_timesteps": 1100},
]


def files():
    for file, name in itertools.product(FILES, CLASSES):
        if "EDM" in name or "Parallel" in name or name == "IPNDMScheduler":
            continue
        case, states = run(name, {**file, **({"noise_sampler_seed": 7} if "SDE" in name else {})}, 9)
        yield case | {"config": {**file, **({"noise_sampler_seed": 7} if "SDE" in name else {})}, "sampler": name}, states


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    diffusers.utils.logging.set_verbosity_error()
    defaults()
    write("class_states", [run(*c) for c in configurations()])
    write("name_states", names())
    write("file_states", files())
