"""What figures depend on: the machine, the programs, and what else was running."""
import datetime
import json
import os
import pathlib
import platform
import subprocess

from contenders import HERE


def processor():
    for text in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else []:
        if text.startswith("model name"):
            return text.split(":")[1].strip()
    return platform.processor()


def output(*command):
    return subprocess.run(command, cwd=HERE, check=True, capture_output=True, text=True).stdout.strip()


def commit():
    """The commit of the work tree, with a + if files of it had changed."""
    return output("git", "rev-parse", "--short", "HEAD") + ("+" if output("git", "status", "--porcelain", "-uno") else "")


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def describe(o):
    versions = output(o.python, "-c", "from importlib.metadata import distributions as d; print(' '.join(sorted("
                      "f'{p.name} {p.version}' for p in d() if p.name in ('torch', 'diffusers', 'openvino'))))")
    threads = o.threads or os.cpu_count()
    peak = json.loads(output(o.easel, "bench", "peak", "--time", "300ms", "--threads", str(threads), "--json"))
    return {"date": now(), "processor": processor(),
            "cpus": os.cpu_count(), "threads": threads, "commit": commit(), "peers": versions,
            "size": o.size, "preset": o.preset, "rounds": o.rounds, "peak": peak}


def jiffies():
    """Time that all processors were busy, and all time."""
    fields = [int(v) for v in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


def share_of_others(load, used):
    busy, total = (b - a for a, b in zip(load, jiffies()))
    now = os.times()
    own = sum(getattr(now, f) - getattr(used, f) for f in ("user", "system", "children_user", "children_system")) * os.sysconf("SC_CLK_TCK")
    return max(0.0, busy - own) / max(1, total)
