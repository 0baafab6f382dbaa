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

    def close(self):
        pass


class Picture:
    """easel txt2img, from the start of the program to the written file."""

    def __init__(self, easel, *args):
        self.command = [easel, "txt2img", *map(str, args)]

    def run(self):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            child = subprocess.Popen([*self.command, "-o", f"{folder}/out.png"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode:
                raise RuntimeError(f"{self.command} ended with status {child.returncode}")
            return {"seconds": time.perf_counter() - start, "rss": usage.ru_maxrss * 1024}

    def close(self):
        pass
