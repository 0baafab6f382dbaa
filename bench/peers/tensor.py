"""tensor.MatMul beside gonum and gorgonia.org/tensor, as a table:

    go test -c -o /tmp/tensor.test ./tensor/gorgonia
    python bench/peers/tensor.py --test /tmp/tensor.test --out bench/results/NAME

Each size runs in the three one after the other; the best of the rounds counts."""
import argparse
import collections
import os
import pathlib
import re
import subprocess

from machine import jiffies, now, processor, share_of_others, commit

LINE = re.compile(r"^BenchmarkMatMul/(\S+?)/(\w+?)(?:-\d+)?\s.*?([\d.]+) GFLOP/s", re.M)

if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--test", required=True, help="test program of package tensor/gorgonia")
    p.add_argument("--threads", default="1,2")
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--time", default="200ms", help="for each product and round")
    p.add_argument("--only", default=".", help="regular expression of the sizes")
    p.add_argument("--out", required=True, help="path of the results, without .md")
    o = p.parse_args()
    best, load, used = collections.defaultdict(float), jiffies(), os.times()
    for _ in range(o.rounds):
        for threads in o.threads.split(","):
            run = subprocess.run([o.test, "-test.run", "^$", "-test.bench", f"MatMul/{o.only}", "-test.benchtime", o.time], check=True,
                                 capture_output=True, text=True, env=os.environ | {"GOMAXPROCS": threads})
            for size, library, gflops in LINE.findall(run.stdout):
                best[size, threads, library] = max(best[size, threads, library], float(gflops))
    lines = [f"# tensor.MatMul in f32 beside gonum and gorgonia.org/tensor, {now()}", "",
             f"{processor()}; easel {commit()}; best of {o.rounds} rounds, GFLOP/s; other processes took "
             f"{100 * share_of_others(load, used):.0f} % of all processors.", "",
             "| M x N x K | threads | easel | gonum | gorgonia | easel over the faster |", "|---|---|---|---|---|---|"]
    for size, threads in dict.fromkeys((s, t) for s, t, _ in best):
        easel, gonum, gorgonia = (best[size, threads, name] for name in ("easel", "gonum", "gorgonia"))
        lines.append(f"| {size.replace('x', ' x ')} | {threads} | {easel:.0f} | {gonum:.1f} | {gorgonia:.1f} | {easel / max(gonum, gorgonia):.1f} |")
    out = pathlib.Path(o.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_suffix(".md").write_text("\n".join(lines) + "\n")
