"""A baseline JPEG writer with any sampling factors, for kinds that Pillow doesn't write."""
import struct

import numpy as np

ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, (i // 8 if (i // 8 + i % 8) % 2 else i % 8)))
# How many codes there are of 1 to 16 bits, for all symbols in order; none is of ones alone.
DC_COUNTS = [0] * 3 + [12] + [0] * 12
AC_COUNTS = [0] * 7 + [254, 2] + [0] * 7
DCT = np.array([[np.sqrt((1 if u == 0 else 2) / 8) * np.cos((2 * x + 1) * u * np.pi / 16) for x in range(8)] for u in range(8)])


def codes(counts):
    out, code = [], 0
    for length, n in enumerate(counts, 1):
        for _ in range(n):
            out.append(format(code, f"0{length}b"))
            code += 1
        code <<= 1
    return out


DC_CODES, AC_CODES = codes(DC_COUNTS), codes(AC_COUNTS)


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def number(v):
    """How many bits v takes, and these bits."""
    n = int(abs(v)).bit_length()
    return n, format(v if v > 0 else v + (1 << n) - 1, f"0{n}b") if n else ""


def block_bits(block, dc, quant):
    coefficients = np.rint(DCT @ (block - 128.0) @ DCT.T / quant).astype(int).reshape(64)[ZIGZAG]
    n, bits = number(coefficients[0] - dc)
    out, run = DC_CODES[n] + bits, 0
    for v in coefficients[1:]:
        if v == 0:
            run += 1
            continue
        while run > 15:
            out, run = out + AC_CODES[0xF0], run - 16
        n, bits = number(v)
        out, run = out + AC_CODES[run << 4 | n] + bits, 0
    return out + (AC_CODES[0] if run else ""), coefficients[0]


def encode(planes, factors, ids=b"\1\2\3\4", head=b"", quant=6):
    """JPEG of an array [h, w, components], each with its (columns, rows) of sampling."""
    h, w, n = planes.shape
    most = [max(f[i] for f in factors) for i in (0, 1)]
    mcus = [-(-w // (8 * most[0])), -(-h // (8 * most[1]))]
    small = []
    for c, (fx, fy) in enumerate(factors):
        full = np.pad(planes[..., c].astype(float), ((0, mcus[1] * 8 * most[1] - h), (0, mcus[0] * 8 * most[0] - w)), mode="edge")
        small.append(full.reshape(mcus[1] * 8 * fy, most[1] // fy, mcus[0] * 8 * fx, most[0] // fx).mean((1, 3)))
    bits, dc = [], [0] * n
    for my in range(mcus[1]):
        for mx in range(mcus[0]):
            for c, (fx, fy) in enumerate(factors):
                for y in range(my * fy, my * fy + fy):
                    for x in range(mx * fx, mx * fx + fx):
                        b, dc[c] = block_bits(small[c][8 * y:8 * y + 8, 8 * x:8 * x + 8], dc[c], quant)
                        bits.append(b)
    bits = "".join(bits)
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    tables = b"".join(segment(0xC4, bytes([kind]) + bytes(counts) + bytes(range(sum(counts)))) for kind, counts in ((0x00, DC_COUNTS), (0x10, AC_COUNTS)))
    frame = struct.pack(">BHHB", 8, h, w, n) + b"".join(bytes([ids[c], fx << 4 | fy, 0]) for c, (fx, fy) in enumerate(factors))
    scan = bytes([n]) + b"".join(bytes([ids[c], 0]) for c in range(n)) + b"\0\x3f\0"
    return (b"\xff\xd8" + head + segment(0xDB, b"\0" + bytes([quant] * 64)) + segment(0xC0, frame) + tables
            + segment(0xDA, scan) + data + b"\xff\xd9")


def adobe(transform):
    return segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))
