"""Runs the same work in easel and its peers, turn by turn, and writes a table:

    python compare.py --easel ./easel --out ../results/DATE/peers

The model of random weights is made if it is not there. Without --python a virtual environment with the peers is made
beside this file. Only the ratios of one run mean something: the contenders take turns, on one machine, minutes apart.
Where easel misses a goal, the times of its operations are written to profiles/ beside the results. With --resume rows
that are in the results already, of the same program and machine, are not run again.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time
import venv

from contenders import HERE
from machine import describe, jiffies, share_of_others
from report import line, summary, write
from rows import ROWS


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--easel", default="easel", help="the program")
    p.add_argument("--model", default="sdxl-base-random", help="diffusers folder, made by easel mkmodel if it is not there")
    p.add_argument("--preset", default="sdxl-base", help="architecture of the model that is made")
    p.add_argument("--python", help="interpreter that has the peers")
    p.add_argument("--rows", default=",".join(ROWS), help="rows to run, in this order: " + ", ".join(ROWS))
    p.add_argument("--without", default="", help="contenders to leave out, such as openvino")
    p.add_argument("--size", type=int, default=1024)
    p.add_argument("--rounds", type=int, default=2, help="turns of each contender")
    p.add_argument("--threads", type=int, default=0)
    p.add_argument("--time", type=float, default=0.25, help="seconds for each single operation and turn")
    p.add_argument("--resume", action="store_true", help="keep the rows that --out has")
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
        for optional in ("onnxruntime", "stable-diffusion-cpp"):  # rows without them say so
            if subprocess.run([python, "-m", "pip", "install", "-q", "-r", HERE / f"requirements-{optional}.txt"]).returncode:
                print(f"{optional} does not install here: left out", file=sys.stderr)
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
    return (getattr(e, "stderr", None) or str(e)).strip().splitlines()[-1].replace("|", "/")


def resumed(o, about):
    """The rows of an earlier run of the same work."""
    path = pathlib.Path(o.out).with_suffix(".json")
    if not o.resume or not path.exists():
        return {}
    before = json.loads(path.read_text())
    same = ("processor", "threads", "commit", "peers", "size", "preset", "rounds")
    if other := [k for k in same if before["about"][k] != about[k]]:
        sys.exit(f"{path} has another " + ", ".join(f"{k} ({before['about'][k]}, now {about[k]})" for k in other) + ": give another --out")
    return {name: row for name, row in before["rows"].items() if name in ROWS and row["figures"].get("easel")}


def profile(row, name, o):
    """Lets easel show where its time goes."""
    easel = row.contenders["easel"](o)
    path = pathlib.Path(o.out).parent / "profiles" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{row.what}\n\n{easel.profile()}")


def main():
    o = options()
    o.easel = os.path.abspath(o.easel)
    o.python = o.python or make_venv()
    if not os.path.exists(o.model):
        subprocess.run([o.easel, "mkmodel", "--preset", o.preset, "-o", o.model + "/"], check=True)
    about = describe(o)
    data = resumed(o, about)
    lines = {name: line(ROWS[name], row["figures"], row["faults"]) + f" {100 * row['others']:.0f} % |" for name, row in data.items()}
    start = time.monotonic()
    for name in o.rows:
        row = ROWS[name]
        if name in data:
            continue
        if time.monotonic() - start > 60 * o.minutes:
            lines[name] = f"| {row.what} | not run: the {o.minutes:g} minutes were over | | | | |"
        else:
            load, used = jiffies(), os.times()
            reports, faults = compare(row, o)
            figures = summary(reports)
            others = share_of_others(load, used)
            data[name] = {"turns": reports, "figures": figures, "faults": faults, "others": others}
            lines[name] = line(row, figures, faults) + f" {100 * others:.0f} % |"
            if any(g.missed(figures) for g in row.goals):
                profile(row, name, o)
        print(lines[name], file=sys.stderr, flush=True)
        write(o, about, [lines[n] for n in ROWS if n in lines], data)


if __name__ == "__main__":
    main()
