"""The protocol of a contender in Python: it prepares its work, says that it is ready, and then does it once for each line
that it is given, answering with the seconds and the most memory so far."""
import json
import resource
import sys
import time


def serve(work):
    """work() does it once, and may return what to report; else the time of the call is reported."""
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        report = work()
        if report is None:
            report = {"seconds": time.perf_counter() - start}
        report["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(report), flush=True)
