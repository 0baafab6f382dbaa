"""Runs the same work in easel and its peers, turn by turn, and writes a table:

    python compare.py --easel ./easel --out ../results/NAME

The model of random weights is made if it is not there. Without --python a virtual environment with the peers is made
beside this file. Only the ratios of one run mean something: the contenders take turns, on one machine, minutes apart.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time
import venv

from contenders import HERE
from rows import ROWS


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--easel", default="easel", help="the program")
    p.add_argument("--model", default="sdxl-base-random", help="diffusers folder, made by easel mkmodel if it is not there")
    p.add_argument("--preset", default="sdxl-base", help="architecture of the model that is made, and of single operations")
    p.add_argument("--python", help="interpreter that has the peers")
    p.add_argument("--rows", default=",".join(ROWS), help="rows to run, in this order: " + ", ".join(ROWS))
    p.add_argument("--without", default="", help="contenders to leave out, such as openvino")
    p.add_argument("--size", type=int, default=1024)
    p.add_argument("--rounds", type=int, default=2, help="turns of each contender")
    p.add_argument("--threads", type=int, default=0)
    p.add_argument("--time", type=float, default=0.25, help="seconds for each single operation and turn")
    p.add_argument("--minutes", type=float, default=15, help="begin no row after so many")
    p.add_argument("--out", required=True, help="path of the results, without .md and .json")
    o = p.parse_args()
    o.rows = o.rows.split(",")
    if unknown := [r for r in o.rows if r not in ROWS]:
        p.error(f"no rows {unknown}; there are {list(ROWS)}")
    return o


def make_venv():
    folder = HERE / ".venv"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", HERE / "requirements-openvino.txt"], check=True)
    return str(python)


def compare(row, o):
    """Lets the contenders take turns and returns what each reported."""
    ready, reports, faults = {}, {}, {}
    for name, start in row.contenders.items():
        if name in o.without.split(","):
            continue
        try:
            ready[name] = start(o)
        except (RuntimeError, subprocess.CalledProcessError) as e:
            faults[name] = fault(e)
    try:
        for _ in range(o.rounds):
            for name in list(ready):
                try:
                    reports[name] = reports.get(name, []) + [ready[name].run()]
                except (RuntimeError, OSError, subprocess.CalledProcessError) as e:
                    faults[name] = fault(e)
                    ready.pop(name).close()
    finally:
        for c in ready.values():
            c.close()
    return reports, faults


def fault(e):
    return (getattr(e, "stderr", None) or str(e)).strip().splitlines()[-1]


def summary(reports):
    """The figures of each contender: seconds (the median turn; of single operations the best), memory, GFLOP/s."""
    figures = {}
    easel = reports.get("easel", [{}])[0]
    for name, turns in reports.items():
        f = figures[name] = {}
        if "shapes" in turns[0]:
            if not easel:
                continue
            best = {s: min(t["shapes"][s] for t in turns) for s in turns[0]["shapes"]}
            f["seconds"] = sum(easel["count"][s] * seconds for s, seconds in best.items())
            f["gflops"] = sum(easel["gflop"].values()) / f["seconds"]
        else:
            f["seconds"] = statistics.median(t["seconds"] for t in turns)
            f["rss"] = max(t["rss"] for t in turns)
            if "rss_anon" in turns[0]:
                f["rss_anon"] = max(t["rss_anon"] for t in turns)
            if "flops" in easel:
                f["gflops"] = easel["flops"] / f["seconds"] / 1e9
    return figures


def line(row, figures, faults):
    def cell(name):
        if name in faults:
            return "failed: " + faults[name][:80]
        if name not in figures:
            return "-"
        f = figures[name]
        parts = [f"{f['seconds']:.3g} s"] if "rss" in f else []
        if "gflops" in f:
            parts.append(f"{f['gflops']:.0f} GFLOP/s")
        if "rss" in f:
            parts.append(f"{f['rss'] / 1e9:.1f} GB")
        if "rss_anon" in f:
            parts.append(f"{f['rss_anon'] / 1e9:.2f} GB anonymous")
        return ", ".join(parts)

    def ratio(peer):
        if "easel" not in figures or peer not in figures:
            return "-"
        return f"{figures['easel']['seconds'] / figures[peer]['seconds']:.3f}"
    goal = "-"
    if "easel" in figures:
        f = figures["easel"]
        if row.peer is None and "gflops" in f:
            goal = f"{row.goal} GFLOP/s: {'met' if f['gflops'] >= row.goal else 'missed'}"
        elif row.peer is None:
            goal = f"{row.goal} s: {'met' if f['seconds'] <= row.goal else 'missed'}"
        elif row.peer in figures:
            goal = f"{row.goal} of {row.peer}: {'met' if f['seconds'] <= row.goal * figures[row.peer]['seconds'] else 'missed'}"
        else:
            goal = f"{row.goal} of {row.peer}: no figure"
    return f"| {row.what} | {cell('easel')} | {cell('torch')} | {cell('openvino')} | {ratio('torch')} | {ratio('openvino')} | {goal} |"


def processor():
    for text in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else []:
        if text.startswith("model name"):
            return text.split(":")[1].strip()
    return platform.processor()


def output(*command):
    return subprocess.run(command, cwd=HERE, check=True, capture_output=True, text=True).stdout.strip()


def describe(o):
    commit = output("git", "rev-parse", "--short", "HEAD") + ("+" if output("git", "status", "--porcelain", "-uno") else "")
    versions = output(o.python, "-c", "from importlib.metadata import distributions as d; print(' '.join(sorted("
                      "f'{p.name} {p.version}' for p in d() if p.name in ('torch', 'diffusers', 'openvino'))))")
    return {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "processor": processor(),
            "cpus": os.cpu_count(), "threads": o.threads or os.cpu_count(), "commit": commit, "peers": versions,
            "size": o.size, "preset": o.preset, "rounds": o.rounds}


def write(o, about, lines, data):
    head = [f"# easel and its peers, {about['date']}", "",
            f"{about['processor']}, {about['threads']} threads; easel {about['commit']}; {about['peers']}; {about['preset']} at {o.size}x{o.size}; "
            f"{o.rounds} turns each, one after the other.",
            "OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE are unset for the peers. Seconds are of the median turn, GFLOP/s of single operations of the best;",
            "a ratio is easel's time over the peer's, so that below 1 easel is faster. Others: the share of all processors that other processes took.", "",
            "| what | easel | torch | openvino | easel/torch | easel/openvino | goal | others |", "|---|---|---|---|---|---|---|---|"]
    out = pathlib.Path(o.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_suffix(".md").write_text("\n".join(head + lines) + "\n")
    out.with_suffix(".json").write_text(json.dumps({"about": about, "rows": data}, indent=1) + "\n")


def jiffies():
    """Time that all processors were busy, and all time."""
    fields = [int(v) for v in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


def main():
    o = options()
    o.python = o.python or make_venv()
    if not os.path.exists(o.model):
        subprocess.run([o.easel, "mkmodel", "--preset", o.preset, "-o", o.model + "/"], check=True)
    about, lines, data = describe(o), [], {}
    start = time.monotonic()
    for name in o.rows:
        row = ROWS[name]
        if time.monotonic() - start > 60 * o.minutes:
            lines.append(f"| {row.what} | not run: the {o.minutes:g} minutes were over | | | | | | |")
        else:
            load, used = jiffies(), os.times()
            reports, faults = compare(row, o)
            figures = summary(reports)
            others = share_of_others(load, used)
            data[name] = {"turns": reports, "figures": figures, "faults": faults, "others": others}
            lines.append(line(row, figures, faults) + f" {100 * others:.0f} % |")
        print(lines[-1], file=sys.stderr, flush=True)
        write(o, about, lines, data)


def share_of_others(load, used):
    busy, total = (b - a for a, b in zip(load, jiffies()))
    now = os.times()
    own = sum(getattr(now, f) - getattr(used, f) for f in ("user", "system", "children_user", "children_system")) * os.sysconf("SC_CLK_TCK")
    return max(0.0, busy - own) / max(1, total)


if __name__ == "__main__":
    main()
