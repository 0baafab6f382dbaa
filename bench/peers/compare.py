"""Runs the same work in easel and its peers, turn by turn, and writes a table:

    python compare.py --easel ./easel --out ../results/NAME

The model of random weights is made if it is not there. Without --python a virtual environment with the peers is made
beside this file. Only the ratios of one run mean something: the contenders take turns, on one machine, minutes apart.
"""
import argparse
import os
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
    return (getattr(e, "stderr", None) or str(e)).strip().splitlines()[-1].replace("|", "/")


def main():
    o = options()
    o.easel = os.path.abspath(o.easel)
    o.python = o.python or make_venv()
    if not os.path.exists(o.model):
        subprocess.run([o.easel, "mkmodel", "--preset", o.preset, "-o", o.model + "/"], check=True)
    about, lines, data = describe(o), [], {}
    start = time.monotonic()
    for name in o.rows:
        row = ROWS[name]
        if time.monotonic() - start > 60 * o.minutes:
            lines.append(f"| {row.what} | not run: the {o.minutes:g} minutes were over | | | | |")
        else:
            load, used = jiffies(), os.times()
            reports, faults = compare(row, o)
            figures = summary(reports)
            others = share_of_others(load, used)
            data[name] = {"turns": reports, "figures": figures, "faults": faults, "others": others}
            lines.append(line(row, figures, faults) + f" {100 * others:.0f} % |")
        print(lines[-1], file=sys.stderr, flush=True)
        write(o, about, lines, data)


if __name__ == "__main__":
    main()
