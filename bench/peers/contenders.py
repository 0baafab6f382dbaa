"""The programs that are compared: each prepares a piece of work, does it when asked, and says how long that took."""
import json
import os
import pathlib
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).parent


def environment():
    """Peers choose their own code path and block sizes: OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE, where they are set, are
    unset. Their idle threads sleep, so as not to take time from the others."""
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    return env | {"OMP_WAIT_POLICY": "PASSIVE"}


class Worker:
    """A contender in Python, which stays alive between its turns."""

    def __init__(self, python, script, *args):
        self.process = subprocess.Popen([python, HERE / script, *map(str, args)], env=environment(), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.expect("ready")

    def expect(self, what=None):
        line = self.process.stdout.readline().strip()
        while what and line and line != what:
            line = self.process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{self.process.args[1]} ended with status {self.process.wait()}")
        return line

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.expect())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Easel:
    """easel bench, which is started anew for each turn."""

    def __init__(self, easel, *args):
        self.command = [easel, "bench", *map(str, args), "--json"]

    def run(self):
        report = json.loads(subprocess.run(self.command, check=True, capture_output=True, text=True).stdout)
        if "kernels" in report:
            work = {f"{k['kind']}/{k['shape']}": k for k in report["kernels"]}
            return {"shapes": {n: k["seconds"] for n, k in work.items()}, "gflop": {n: k["gflop"] for n, k in work.items()},
                    "count": {n: k["count"] for n, k in work.items()}, "peak_gflops": report["peak_gflops"]}
        network = report["networks"][0]
        return {"seconds": network["median_seconds"], "rss": network["memory"]["rss"], "rss_anon": network["memory"]["rss_anon"],
                "flops": network["flops"], "peak_gflops": report["peak_gflops"]}

    def profile(self):
        """The times of the operations, as text: of kernels their table, of networks what --profile prints."""
        if self.command[2] == "kernels":
            return subprocess.run(self.command[:-1], check=True, capture_output=True, text=True).stdout
        return profiled(self.command[:-1])

    def close(self):
        pass


def profiled(command):
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([*command, "--profile", f"{folder}/profile.json"], check=True, capture_output=True, text=True)
        at = run.stderr.index("operation  ")  # after what is said of the progress
        return run.stdout + run.stderr[run.stderr.rfind("\n", 0, at) + 1:]


class Picture:
    """easel txt2img, from the start of the program to the written file."""

    def __init__(self, easel, *args):
        self.command = [easel, "txt2img", *map(str, args)]

    def run(self):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            with tempfile.TemporaryFile("w+") as log:
                child = subprocess.Popen([*self.command, "-o", f"{folder}/out.png"], stdout=log, stderr=log)
                most = {"rss": 0, "rss_anon": 0}
                while child.poll() is None:
                    watch(child.pid, most)
                    time.sleep(0.02)
                log.seek(0)
                if child.returncode:
                    raise RuntimeError(log.read())
            return {"seconds": time.perf_counter() - start, **most}

    def profile(self):
        with tempfile.TemporaryDirectory() as folder:
            return profiled([*self.command, "-o", f"{folder}/out.png"])

    def close(self):
        pass


def watch(pid, most):
    """Raises most to the memory that a process has now."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has just ended
        return
    for text in status.splitlines():
        name, _, value = text.partition(":")
        if key := {"VmHWM": "rss", "RssAnon": "rss_anon"}.get(name):
            most[key] = max(most[key], int(value.split()[0]) * 1024)
