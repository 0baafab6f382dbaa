"""Writes sched/testdata: noise, sigmas, timesteps and trajectories of torch, diffusers and k-diffusion.

Run from the repository root with the versions of requirements.txt:

    python internal/golden/gen/sched_refs.py
"""
import functools
import itertools
import json
import pathlib
import tempfile
import warnings

import k_diffusion as K
import numpy as np
import torch
import diffusers

OUT = pathlib.Path("sched/testdata")
CLASSES = {
    "euler": diffusers.EulerDiscreteScheduler,
    "euler_a": diffusers.EulerAncestralDiscreteScheduler,
    "dpmpp_2m": diffusers.DPMSolverMultistepScheduler,
}
SDXL = {
    "_class_name": "EulerDiscreteScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
    "clip_sample": False, "interpolation_type": "linear", "num_train_timesteps": 1000, "prediction_type": "epsilon",
    "sample_max_value": 1.0, "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1,
    "timestep_spacing": "leading", "trained_betas": None, "use_karras_sigmas": False,
}


def f32(values):
    """Numbers short enough to read, exact as float32."""
    return [float(str(v)) for v in np.asarray(values, dtype=np.float32).ravel()]


def write(name, cases):
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    (OUT / name).write_text(f"[\n{lines}\n]\n")


def folder_scheduler(config):
    """The scheduler a pipeline has when its folder holds config."""
    cls = getattr(diffusers, config["_class_name"])
    with tempfile.TemporaryDirectory() as d:
        (pathlib.Path(d) / "scheduler_config.json").write_text(json.dumps(config))
        return cls.from_pretrained(d)


def scheduler(config, sampler, schedule="", spacing=""):
    """What a user of diffusers gets who names these for a pipeline."""
    base = folder_scheduler(config)
    kwargs = {}
    if schedule:
        kwargs["use_karras_sigmas"] = schedule == "karras"
    if spacing:
        kwargs["timestep_spacing"] = spacing
    return CLASSES[sampler].from_config(base.config, **kwargs)


def noise():
    sequences = [[1], [2], [5], [15], [16], [17], [31], [48], [3, 16, 4], [7, 33, 7, 100], [1, 1, 1, 15, 2], [700, 700]]
    seeds = [0, 1, 42, 2**31, 2**32 - 1, 2**32 + 42, 0xDEADBEEFCAFE, 2**63 - 1, -1, -12345]
    cases = []
    for i, seed in enumerate(seeds):
        for sizes in sequences if i % 3 == 0 else sequences[:-1]:
            g = torch.Generator().manual_seed(seed)
            values = torch.cat([torch.randn(n, generator=g) for n in sizes])
            cases.append({"seed": seed, "sizes": sizes, "every": 1, "values": f32(values)})
    for seed, n in [(7, 4 * 128 * 128), (42, 4 * 104 * 152 + 3)]:
        g = torch.Generator().manual_seed(seed)
        cases.append({"seed": seed, "sizes": [n], "every": 61, "values": f32(torch.randn(n, generator=g)[::61])})
    write("noise.json", cases)


def schedule_case(config, sampler, schedule, spacing, steps):
    s = scheduler(config, sampler, schedule, spacing)
    s.set_timesteps(steps)
    return {
        "config": config, "sampler": sampler, "schedule": schedule, "spacing": spacing, "steps": steps,
        "sigmas": f32(s.sigmas), "timesteps": f32(s.timesteps), "init_noise_sigma": float(s.init_noise_sigma),
    }


def schedules():
    cases = []
    for sampler, schedule, spacing in itertools.product(CLASSES, ["normal", "karras"], ["leading", "linspace", "trailing"]):
        if sampler == "euler_a" and schedule == "karras":
            continue  # diffusers has none
        for steps in [1, 2, 3, 4, 10, 20, 30, 50]:
            cases.append(schedule_case(SDXL, sampler, schedule, spacing, steps))
        # 61: arange rounds its way to one more timestep; 16: ties
        for steps in [16, 61]:
            if spacing == "trailing":
                cases.append(schedule_case(SDXL, sampler, schedule, spacing, steps))
    cases.append(schedule_case(SDXL, "euler", "", "", 999))
    cases.append(schedule_case(SDXL, "euler_a", "", "", 1000))
    cases.append(schedule_case(SDXL, "dpmpp_2m", "", "", 999))
    cases.append(schedule_case(SDXL, "dpmpp_2m", "karras", "", 150))
    short = {k: v for k, v in SDXL.items() if k not in ("timestep_spacing", "steps_offset", "use_karras_sigmas")}
    configs = [
        {"_class_name": "EulerDiscreteScheduler"},  # all of it defaults
        {"_class_name": "DPMSolverMultistepScheduler"},
        {"_class_name": "DDIMScheduler"},  # whose own default spacing is leading
        short,
        SDXL | {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"},
        SDXL | {"rescale_betas_zero_snr": True, "final_sigmas_type": "sigma_min"},
        SDXL | {"beta_schedule": "linear", "beta_start": 0.0002, "beta_end": 0.015, "num_train_timesteps": 500, "steps_offset": 0},
        SDXL | {"num_train_timesteps": 777, "beta_start": 0.002, "beta_end": 0.03},
        SDXL | {"final_sigmas_type": "sigma_min", "use_karras_sigmas": True},
        SDXL | {"sigma_min": 0.05, "sigma_max": 20.0, "use_karras_sigmas": True},
        SDXL | {"prediction_type": "sample", "timestep_type": "continuous"},
        SDXL | {"num_train_timesteps": 4, "trained_betas": [0.1, 0.2, 0.3, 0.4]},
        SDXL | {"_class_name": "DPMSolverMultistepScheduler", "use_karras_sigmas": True, "euler_at_final": True},
        SDXL | {"_class_name": "UniPCMultistepScheduler", "solver_type": "bh2"},
        SDXL | {"_class_name": "EulerAncestralDiscreteScheduler", "steps_offset": 3},
    ]
    for config, sampler in itertools.product(configs, CLASSES):
        n = config.get("num_train_timesteps", 1000)
        for steps in [2] if n < 10 else [1, 7, 25]:
            cases.append(schedule_case(config, sampler, "", "", steps))
    write("schedules.json", cases)


# The denoisers that trajectories use, elementwise over x: the posterior means
# of x0 ~ N(mu, c^2), and of x0 = +-1 with equal chance.
MU, C = np.linspace(-1.5, 2, 8), np.linspace(0.2, 1.6, 8)


def denoise(kind, x, sigma):
    if kind == "gaussian":
        return (x * C**2 + MU * sigma**2) / (C**2 + sigma**2)
    return np.tanh(x / sigma**2)


def noises(seed, count):
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(8, generator=g).numpy() for _ in range(count)]


def float64_trajectories():
    """k-diffusion in float64. The noise is noises(5): the first, then one a draw."""
    cases = []
    functions = {
        "euler": K.sampling.sample_euler, "euler_a": K.sampling.sample_euler_ancestral, "dpmpp_2m": K.sampling.sample_dpmpp_2m,
        "heun": K.sampling.sample_heun, "dpm_2": K.sampling.sample_dpm_2, "dpm_2_a": K.sampling.sample_dpm_2_ancestral,
        "dpmpp_2s_a": K.sampling.sample_dpmpp_2s_ancestral, "lms": K.sampling.sample_lms,
        "dpmpp_sde": K.sampling.sample_dpmpp_sde, "dpmpp_2m_sde": K.sampling.sample_dpmpp_2m_sde,
        "dpmpp_2m_sde_heun": functools.partial(K.sampling.sample_dpmpp_2m_sde, solver_type="heun"),
        "dpmpp_3m_sde": K.sampling.sample_dpmpp_3m_sde,
    }
    for (sampler, f), kind, steps in itertools.product(functions.items(), ["gaussian", "tanh"], [1, 2, 3, 12, 25]):
        if steps == 1 and "m_sde" in sampler:
            continue  # k-diffusion's own has no single step
        sigmas = K.sampling.get_sigmas_karras(steps, 0.03, 14.6)
        first, *rest = [torch.from_numpy(n).double() for n in noises(5, 2 * steps + 1)]
        rest = iter(rest)
        xs, denoised = [], []
        model = lambda x, sigma: torch.from_numpy(denoise(kind, x.numpy(), sigma[0].item()))
        args = {"noise_sampler": lambda *_: next(rest)} if sampler.endswith(("_a", "_sde", "_sde_heun")) else {}
        sigmas = sigmas.double()

        def callback(d):
            xs.append(d["x"].tolist())
            denoised.append(d["denoised"].tolist())

        x = f(model, first * sigmas[0], sigmas, callback=callback, disable=True, **args)
        cases.append({
            "sampler": sampler, "denoiser": kind, "sigmas": sigmas.tolist(), "before": xs[-2:], "denoised": denoised[-1], "last": x.tolist(),
        })
    solvers = {"uni_pc": "bh1", "uni_pc_bh2": "bh2"}
    for (sampler, solver), kind, steps, low in itertools.product(solvers.items(), ["gaussian", "tanh"], [1, 2, 3, 4, 12], [False, True]):
        cases.append(unipc_trajectory(sampler, solver, kind, steps, low))
    write("trajectories_float64.json", cases)


def unipc_trajectory(sampler, solver, kind, steps, low):
    """diffusers' UniPC of third order in float64, to a last noise level above 0, where bh1 has no value."""
    sigmas = K.sampling.get_sigmas_karras(steps + 1, 0.03, 14.6)[:-1].double()
    s = diffusers.UniPCMultistepScheduler(solver_order=3, solver_type=solver, prediction_type="sample", lower_order_final=low)
    s.set_timesteps(steps)
    s.sigmas = sigmas
    s.set_begin_index(0)
    scale = torch.sqrt(1 + sigmas**2)
    x = torch.from_numpy(noises(5, 1)[0]).double()[None] * sigmas[0] / scale[0]
    xs, denoised = [], []
    for i, t in enumerate(s.timesteps):
        xs.append((x * scale[i])[0].tolist())
        x0 = torch.from_numpy(denoise(kind, (x * scale[i]).numpy(), sigmas[i].item()))
        denoised.append(x0[0].tolist())
        x = s.step(x0, t, x, return_dict=False)[0]
    return {
        "sampler": sampler, "denoiser": kind, "first_order_last": low, "sigmas": sigmas.tolist(), "before": xs[-2:],
        "denoised": denoised[-1], "last": (x * scale[-1])[0].tolist(),
    }


def model_output(prediction, kind, x, sigma):
    """What a network would answer, x in VE space."""
    x0 = denoise(kind, x, sigma)
    if prediction == "sample":
        return x0
    eps = (x - x0) / sigma
    if prediction == "epsilon":
        return eps
    return (eps - sigma * x0) / np.sqrt(sigma**2 + 1)


def float32_trajectory(sampler, schedule, spacing, steps, prediction, kind, strength, extra):
    config = SDXL | {"prediction_type": prediction} | extra
    s = scheduler(config, sampler, schedule, spacing)
    s.set_timesteps(steps)
    g = torch.Generator().manual_seed(9)
    vp = sampler == "dpmpp_2m"
    start, timesteps = 0, s.timesteps
    if strength is None:
        s.set_begin_index(0)
        x = torch.randn(1, 8, generator=g) * s.init_noise_sigma
    else:  # as StableDiffusionXLImg2ImgPipeline.get_timesteps and prepare_latents
        start = max(steps - min(int(steps * strength), steps), 0)
        timesteps = timesteps[start:]
        s.set_begin_index(start)
        image = torch.randn(1, 8, generator=g)
        x = s.add_noise(image, torch.randn(1, 8, generator=g), timesteps[:1])
    latents = []
    for i, t in enumerate(timesteps):
        sigma = s.sigmas[start + i].item()
        s.scale_model_input(x, t)
        ve = x.double().numpy() * (np.sqrt(1 + sigma**2) if vp else 1)
        out = torch.from_numpy(model_output(prediction, kind, ve, sigma)).float()
        args = {} if sampler == "euler" else {"generator": g}
        x = s.step(out, t, x, return_dict=False, **args)[0]
        latents.append(f32(x))
    return {
        "config": config, "sampler": sampler, "schedule": schedule, "spacing": spacing, "steps": steps, "denoiser": kind,
        "strength": strength, "latents": latents, "next_noise": f32(torch.randn(1, generator=g)),
    }


def float32_trajectories():
    cases = []
    for sampler, schedule, prediction in itertools.product(CLASSES, ["normal", "karras"], ["epsilon", "v_prediction", "sample"]):
        if sampler == "euler_a" and (schedule == "karras" or prediction == "sample"):
            continue  # diffusers has neither
        for spacing, steps, kind, strength in [
            ("leading", 10, "gaussian", None), ("trailing", 5, "tanh", None), ("linspace", 20, "tanh", None),
            ("leading", 1, "gaussian", None), ("leading", 20, "gaussian", 0.45), ("trailing", 10, "tanh", 0.3), ("leading", 4, "gaussian", 1.0),
        ]:
            cases.append(float32_trajectory(sampler, schedule, spacing, steps, prediction, kind, strength, {}))
    for sampler, extra, steps, strength in [
        ("euler", {"final_sigmas_type": "sigma_min"}, 8, None),
        ("dpmpp_2m", {"final_sigmas_type": "sigma_min"}, 8, None),
        ("dpmpp_2m", {"final_sigmas_type": "sigma_min"}, 16, None),
        ("dpmpp_2m", {"final_sigmas_type": "sigma_min", "lower_order_final": False}, 8, None),
        ("dpmpp_2m", {"final_sigmas_type": "sigma_min", "euler_at_final": True}, 16, 0.5),
        ("dpmpp_2m", {"final_sigmas_type": "sigma_min"}, 20, 0.4),
        ("dpmpp_2m", {"rescale_betas_zero_snr": True}, 12, None),
        ("euler", {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}, 12, None),
    ]:
        cases.append(float32_trajectory(sampler, "", "", steps, "v_prediction" if "rescale_betas_zero_snr" in extra else "epsilon", "gaussian", strength, extra))
    # 61 steps of trailing spacing are 62, and a strength still counts from 61
    for sampler in CLASSES:
        cases.append(float32_trajectory(sampler, "", "trailing", 61, "epsilon", "gaussian", 0.2, {}))
    write("trajectories_float32.json", cases)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    diffusers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    OUT.mkdir(exist_ok=True)
    noise()
    schedules()
    float64_trajectories()
    float32_trajectories()
