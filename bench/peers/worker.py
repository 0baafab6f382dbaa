"""The protocol of a contender in Python: it prepares its work, says that it is ready, and then does it once for each line
that it is given, answering with the seconds and the most memory that the work took."""
import json
import pathlib
import sys
import time


def serve(work):
    """work() does it once, and may return what to report; else the time of the call is reported."""
    forget_peak()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        report = work()
        if report is None:
            report = {"seconds": time.perf_counter() - start}
        report["rss"] = peak_memory()
        print(json.dumps(report), flush=True)


def best_times(operations, seconds):
    """The least time of each operation, by name: three runs at least, and as many as the seconds have room for."""
    best = {}
    for name, op in operations.items():
        op()
        times, end = [], time.perf_counter() + seconds
        while len(times) < 3 or time.perf_counter() < end:
            start = time.perf_counter()
            op()
            times.append(time.perf_counter() - start)
        best[name] = min(times)
    return {"shapes": best}


def forget_peak():
    """What the preparation took does not count."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def peak_memory():
    fields = dict(line.split(":", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024
