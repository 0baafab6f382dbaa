"""From what the contenders said to figures and a table."""
import json
import pathlib
import statistics


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
            if "flops" in turns[0]:
                f["gflops"] = turns[0]["flops"] / f["seconds"] / 1e9
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
            parts.append(f"{f['rss_anon'] / 1e9:.2f} GB allocated")
        return ", ".join(parts)

    peers = [name for name in row.contenders if name != "easel"]
    ratios = [f"{figures['easel']['seconds'] / figures[p]['seconds']:.3f} of {p}" for p in peers if p in figures and "easel" in figures]
    cells = [row.what, cell("easel"), "; ".join(f"{p} {cell(p)}" for p in peers), ", ".join(ratios), ", ".join(g.verdict(figures) for g in row.goals)]
    return "| " + " | ".join(cells) + " |"


def write(o, about, lines, data):
    head = [f"# easel and its peers, {about['date']}", "",
            f"{about['processor']}, {about['threads']} threads; easel {about['commit']}; {about['peers']}; {about['preset']} at {o.size}x{o.size}; "
            f"{o.rounds} turns each, one after the other.",
            "Measured peak: " + ", ".join(f"{r['gops']:.0f} {r['dtype']} ({r['set']})" for r in about["peak"]["arithmetic"]) + " GFLOP/s; memory "
            + f"{about['peak']['memory'][0]['read_gbs']:.0f} GB/s.",
            "OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE are unset for the peers. Seconds are of the median turn, GFLOP/s of single operations of the best;",
            "memory is the peak while the work ran, with the pages of mapped files. Others: the share of all processors that other processes took.", "",
            "| what | easel | peers | easel's time | goals | others |", "|---|---|---|---|---|---|"]
    out = pathlib.Path(o.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_suffix(".md").write_text("\n".join(head + lines) + "\n")
    out.with_suffix(".json").write_text(json.dumps({"about": about, "rows": data}, indent=1) + "\n")
