"""Writes sdxl/prompt/mojibake.json: what ftfy (Robyn Speer, Apache 2.0) takes for text that was read in a wrong encoding, as patterns of Go's regexp: of
characters that are unlikely side by side, of those that are the bytes of UTF-8, and those before which they are not.

Run from the repository root with ftfy 6.3.
"""
import json

from ftfy import badness, chardata


def compact(pattern):
    """Without the space and comments of a verbose pattern, and with Python's idea of space and words."""
    out, inside, i = "", False, 0
    while i < len(pattern):
        c = pattern[i]
        if c == "\\":
            known = {"s": r"[\s\v\x1c-\x1f\x85\p{Z}]", "w": r"[\p{L}\p{N}_]"}
            assert not inside or pattern[i + 1] not in known
            out += known.get(pattern[i + 1], pattern[i:i + 2])
            i += 2
            continue
        if not inside and c == "#":
            i = pattern.index("\n", i)
            continue
        if c in "[]":
            inside = c == "["
        if inside or not c.isspace():
            out += c
        i += 1
    return out


if __name__ == "__main__":
    clues = chardata.UTF8_CLUES
    rest = f"[{clues['utf8_continuation']}]"
    tables = {
        "unlikely": compact(badness.BADNESS_RE.pattern),
        "sequences": f"^(?:[{clues['utf8_first_of_2']}]{rest}|[{clues['utf8_first_of_3']}]{rest}{{2}}|[{clues['utf8_first_of_4']}]{rest}{{3}})+",
        "before": f"^[{clues['utf8_continuation_strict']}]$",
    }
    with open("sdxl/prompt/mojibake.json", "w") as f:
        json.dump(tables, f, ensure_ascii=True, indent=1)
        f.write("\n")
