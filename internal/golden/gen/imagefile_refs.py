"""Pictures of every kind that internal/imagefile reads, and what Pillow makes of them.

Run from the repository's root: python internal/golden/gen/imagefile_refs.py [--out FOLDER] [--seed N] [--size WxH].
Without --out it writes internal/imagefile/testdata. Each FILE has FILE.ref.png beside it:
exif_transpose, then convert("RGB"), as diffusers' load_image does.
"""
import argparse
import io
import pathlib
import struct
import zlib

import jpeg_writer
import numpy as np
from PIL import Image, ImageOps, PngImagePlugin


# Pictures whose alpha is held to Pillow's too.
WITH_ALPHA = ["rgba.png", "gray_alpha.png", "palette4_trns.png", "palette8_trns.png", "rgb_trns.png", "rgba16.png", "lossy_alpha.webp",
              "lossless_alpha.webp", "animated_part.webp", "animated_alpha.webp", "transparent.gif", "offset_transparent.gif", "plain.gif", "420.jpg", "rgba.tif"]


def photo(w, h, rng, channels=3):
    """Gradients, edges and some noise, with colours that chroma upsampling shows."""
    y, x = np.mgrid[0:h, 0:w]
    out = np.zeros((h, w, channels))
    for c in range(channels):
        fx, fy, phase = rng.uniform(0.05, 0.5), rng.uniform(0.05, 0.5), rng.uniform(0, 6)
        out[..., c] = 127 + 90 * np.sin(fx * x + fy * y + phase)
    for _ in range(4):
        x0, y0 = rng.integers(0, w), rng.integers(0, h)
        out[y0:y0 + h // 3, x0:x0 + w // 3] = rng.integers(0, 256, channels)
    out += rng.normal(0, 6, out.shape)
    return np.clip(out, 0, 255).astype(np.uint8)


def save(im, fmt, **kw):
    b = io.BytesIO()
    im.save(b, fmt, **kw)
    return b.getvalue()


def exif(orientation, big=False, kind=3, before=0):
    order = ">" if big else "<"
    entries = [struct.pack(order + "HHI4s", 0x010F, 2, 4, b"abc\0")] * before
    value = struct.pack(order + "HH", orientation, 0) if kind == 3 else struct.pack(order + "I", orientation)
    entries.append(struct.pack(order + "HHI4s", 0x0112, kind, 1, value))
    head = b"MM\0*" if big else b"II*\0"
    return head + struct.pack(order + "I", 8) + struct.pack(order + "H", len(entries)) + b"".join(entries) + b"\0" * 4


def xmp(orientation):
    return ('<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>' % orientation).encode()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(w, h, depth, color, rows, *extra, after=b""):
    """A PNG of raw rows (bytes each), unfiltered."""
    data = zlib.compress(b"".join(b"\0" + r for r in rows))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, color, 0, 0, 0)) + b"".join(extra)
            + chunk(b"IDAT", data) + after + chunk(b"IEND", b""))


def interlaced(w, h, depth, color, rows_of, *extra):
    """A PNG in Adam7's order; rows_of gives the packed rows of every dx-th column and dy-th row from x, y on."""
    data = b""
    for x, y, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        if x < w and y < h:
            data += b"".join(b"\0" + r for r in rows_of(x, y, dx, dy))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, color, 0, 0, 1)) + b"".join(extra)
            + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))


def packed(levels, depth):
    """Rows of levels packed to depth bits."""
    rows = []
    for row in levels:
        bits = "".join(format(int(v), "0%db" % depth) for v in row)
        bits += "0" * (-len(bits) % 8)
        rows.append(int(bits, 2).to_bytes(len(bits) // 8, "big"))
    return rows


def pngs(w, h, rng):
    rgb, alpha = photo(w, h, rng), photo(w, h, rng, 1)[..., 0]
    alpha[alpha < 90] = 0
    rgba = np.dstack([rgb, alpha])
    gray = rgb[..., 0]
    yield "rgb.png", save(Image.fromarray(rgb), "PNG")
    yield "rgba.png", save(Image.fromarray(rgba), "PNG")
    yield "gray.png", save(Image.fromarray(gray), "PNG")
    yield "gray_alpha.png", png(w, h, 8, 4, [np.dstack([gray, alpha])[y].tobytes() for y in range(h)])
    for depth in (1, 2, 4):
        levels = gray >> (8 - depth)
        yield f"gray{depth}.png", png(w, h, depth, 0, packed(levels, depth))
        yield f"gray{depth}_trns.png", png(w, h, depth, 0, packed(levels, depth), chunk(b"tRNS", b"\0\1"))
        palette = rng.integers(0, 256, 3 << depth, dtype=np.uint8).tobytes()
        yield f"palette{depth}.png", png(w, h, depth, 3, packed(levels, depth), chunk(b"PLTE", palette))
        yield f"palette{depth}_trns.png", png(w, h, depth, 3, packed(levels, depth), chunk(b"PLTE", palette), chunk(b"tRNS", b"\0\x80"))
    palette = rng.integers(0, 256, 768, dtype=np.uint8).tobytes()
    rows = [r.tobytes() for r in gray]
    yield "palette8_trns.png", png(w, h, 8, 3, rows, chunk(b"PLTE", palette), chunk(b"tRNS", bytes(range(256))))
    yield "palette_short.png", png(w, h, 8, 3, rows, chunk(b"PLTE", palette[:300]))
    yield "rgb_trns.png", png(w, h, 8, 2, [r.tobytes() for r in rgb], chunk(b"tRNS", struct.pack(">HHH", *map(int, rgb[h // 2, w // 2]))))
    wide = lambda a: (a.astype(np.uint16) * 251 + 77).astype(">u2")
    yield "gray16.png", png(w, h, 16, 0, [r.tobytes() for r in (gray.astype(np.uint16) * 2).astype(">u2")])
    yield "gray16_trns.png", png(w, h, 16, 0, [r.tobytes() for r in gray.astype(">u2")], chunk(b"tRNS", struct.pack(">H", int(gray[0, 0]))))
    yield "gray16_alpha.png", png(w, h, 16, 4, [r.tobytes() for r in wide(np.dstack([gray, alpha]))])
    yield "rgb16.png", png(w, h, 16, 2, [r.tobytes() for r in wide(rgb)])
    yield "rgb16_trns.png", png(w, h, 16, 2, [r.tobytes() for r in wide(rgb)], chunk(b"tRNS", wide(rgb)[-1, -1].tobytes()))
    yield "rgba16.png", png(w, h, 16, 6, [r.tobytes() for r in wide(rgba)])
    rows = [r.tobytes() for r in rgb]
    yield "exif.png", png(w, h, 8, 2, rows, chunk(b"eXIf", exif(6, big=True)))
    yield "exif_after.png", png(w, h, 8, 2, rows, after=chunk(b"eXIf", exif(8)))
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp(5).decode(), zip=True)
    yield "xmp.png", save(Image.fromarray(rgb), "PNG", pnginfo=info)
    info = PngImagePlugin.PngInfo()
    raw = b"Exif\0\0" + exif(7)
    info.add_text("Raw profile type exif", "\nexif\n%8d\n%s\n" % (len(raw), raw.hex()), zip=True)
    yield "raw_profile.png", save(Image.fromarray(rgb), "PNG", pnginfo=info)
    part = lambda a: lambda x, y, dx, dy: [np.ascontiguousarray(r).tobytes() for r in a[y::dy, x::dx]]
    yield "interlaced.png", interlaced(w, h, 8, 2, part(rgb))
    yield "interlaced_rgba16.png", interlaced(w, h, 16, 6, part(wide(rgba)))
    yield "interlaced_palette2.png", interlaced(w, h, 2, 3, lambda x, y, dx, dy: packed(gray[y::dy, x::dx] >> 6, 2), chunk(b"PLTE", palette[:12]))
    frames = [Image.fromarray(photo(w, h, rng)) for _ in range(3)]
    yield "animated.png", save(frames[0], "PNG", save_all=True, append_images=frames[1:])
    yield "animated_default.png", save(frames[0], "PNG", save_all=True, append_images=frames[1:], default_image=True)


def adobe(data, transform):
    """The JPEG with another transform in Adobe's segment."""
    at = data.index(b"\xff\xee") + 15
    return data[:at] + bytes([transform]) + data[at + 1:]


def without(data, marker):
    at = data.index(b"\xff" + bytes([marker]))
    return data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2:at + 4])[0]:]


def jpegs(w, h, rng):
    im = Image.fromarray(photo(w, h, rng))
    for sub in ("4:4:4", "4:2:2", "4:2:0"):
        for progressive in (False, True):
            name = f"{sub.replace(':', '')}{'_progressive' if progressive else ''}.jpg"
            yield name, save(im, "JPEG", quality=88, subsampling=sub, progressive=progressive)
    ycc = np.asarray(im.convert("YCbCr"))
    for name, luma in (("440", (1, 2)), ("411", (4, 1)), ("410", (4, 2))):  # Pillow writes none of them
        yield name + ".jpg", jpeg_writer.encode(ycc, [luma, (1, 1), (1, 1)])
    yield "422_of_4.jpg", jpeg_writer.encode(ycc, [(2, 2), (1, 2), (1, 2)])
    yield "rgb_ids.jpg", jpeg_writer.encode(np.asarray(im), [(1, 1)] * 3, ids=b"RGB")
    yield "rgb_subsampled.jpg", jpeg_writer.encode(np.asarray(im), [(2, 2), (1, 1), (1, 1)], head=jpeg_writer.adobe(0))
    yield "gray.jpg", save(im.convert("L"), "JPEG", quality=85)
    yield "gray_progressive.jpg", save(im.convert("L"), "JPEG", quality=85, progressive=True)
    yield "rgb_adobe.jpg", save(im, "JPEG", quality=90, keep_rgb=True)
    yield "low.jpg", save(im, "JPEG", quality=10)
    yield "restart.jpg", save(im, "JPEG", quality=80, restart_marker_blocks=2)
    for o in range(1, 9):
        yield f"exif{o}.jpg", save(im, "JPEG", quality=80, exif=b"Exif\0\0" + exif(o, big=o % 2 == 1, before=o % 3))
    yield "exif_long.jpg", save(im, "JPEG", exif=b"Exif\0\0" + exif(6, kind=4))
    yield "exif_none.jpg", save(im, "JPEG", exif=b"Exif\0\0" + exif(0))
    yield "exif_odd.jpg", save(im, "JPEG", exif=b"Exif\0\0" + exif(9))
    yield "xmp.jpg", save(im, "JPEG", xmp=xmp(3))
    four = photo(w, h, rng, 4)
    cmyk = save(Image.fromarray(four, "CMYK"), "JPEG", quality=90)
    yield "cmyk.jpg", cmyk
    yield "cmyk_progressive.jpg", save(Image.fromarray(four, "CMYK"), "JPEG", quality=90, progressive=True)
    yield "ycck.jpg", adobe(cmyk, 2)
    yield "cmyk_plain.jpg", without(cmyk, 0xEE)
    yield "cmyk_subsampled.jpg", jpeg_writer.encode(four, [(2, 2), (1, 1), (1, 1), (2, 2)], head=jpeg_writer.adobe(0))
    yield "ycck_subsampled.jpg", jpeg_writer.encode(four, [(2, 2), (1, 1), (1, 1), (2, 2)], head=jpeg_writer.adobe(2))


def webps(w, h, rng):
    im = Image.fromarray(photo(w, h, rng))
    alpha = photo(w, h, rng, 1)[..., 0]
    alpha[alpha < 110] = 0
    rgba = im.copy()
    rgba.putalpha(Image.fromarray(alpha))
    yield "lossy.webp", save(im, "WEBP", quality=80)
    yield "lossy_low.webp", save(im, "WEBP", quality=5)
    yield "lossy_even.webp", save(im.resize((w + 1, h + 1)), "WEBP", quality=60)
    yield "lossy_column.webp", save(im.crop((0, 0, 1, h)), "WEBP", quality=60)
    yield "lossy_row.webp", save(im.crop((0, 0, w, 1)), "WEBP", quality=60)
    yield "lossy_pixel.webp", save(im.crop((0, 0, 1, 1)), "WEBP", quality=60)
    yield "lossy_alpha.webp", save(rgba, "WEBP", quality=80, exact=True)
    yield "lossless.webp", save(im, "WEBP", lossless=True)
    yield "lossless_alpha.webp", save(rgba, "WEBP", lossless=True, exact=True)
    yield "lossless_palette.webp", save(im.quantize(7).convert("RGB"), "WEBP", lossless=True)
    yield "lossless_gray.webp", save(im.convert("L").convert("RGB"), "WEBP", lossless=True)
    for o in (2, 5, 6):
        yield f"exif{o}.webp", save(im, "WEBP", quality=80, exif=exif(o, big=o == 5))
    yield "exif_prefix.webp", save(im, "WEBP", quality=80, exif=b"Exif\0\0" + exif(8))
    yield "xmp.webp", save(im, "WEBP", quality=80, xmp=xmp(6))
    frames = [Image.fromarray(photo(w, h, rng)) for _ in range(2)]
    yield "animated.webp", save(frames[0], "WEBP", save_all=True, append_images=frames[1:], quality=70)
    spot = Image.new("RGBA", (w, h))
    spot.paste(rgba.crop((0, 0, w // 2, h // 2)), (w // 3, h // 4))
    yield "animated_part.webp", save(spot, "WEBP", save_all=True, append_images=[rgba], lossless=True, exact=True)
    yield "animated_alpha.webp", save(rgba, "WEBP", save_all=True, append_images=[spot], quality=70)


def gifs(w, h, rng):
    im = Image.fromarray(photo(w, h, rng))
    p = im.quantize(37)
    yield "plain.gif", save(p, "GIF")
    yield "interlaced.gif", save(p, "GIF", interlace=1)
    yield "transparent.gif", save(p, "GIF", transparency=int(np.asarray(p)[h // 2, w // 2]))
    yield "gray.gif", save(im.convert("L"), "GIF")
    frames = [p, Image.fromarray(photo(w, h, rng)).quantize(50)]
    yield "animated.gif", save(frames[0], "GIF", save_all=True, append_images=frames[1:], disposal=2)
    plain = save(p, "GIF", interlace=0)
    bits = (plain[10] & 7) + 1
    at = 13 + (3 << bits)
    palette, body = plain[13:at], plain[at:]
    sep = body.index(b",")
    place = lambda x, y: body[:sep + 1] + struct.pack("<HH", x, y) + body[sep + 5:]
    screen = lambda sw, sh: plain[:6] + struct.pack("<HH", sw, sh) + plain[10:13] + palette
    yield "offset.gif", screen(w + 9, h + 5) + place(4, 3)
    yield "outside.gif", screen(w, h) + place(5, 7)
    control = b"!\xf9\x04\x01\0\0\x05\0"
    yield "offset_transparent.gif", screen(w + 9, h + 5) + control + place(4, 3)
    local = body[:sep + 9] + bytes([0x80 | (plain[10] & 7)]) + palette[::-1] + body[sep + 10:]
    yield "local.gif", screen(w, h) + local
    yield "no_palette.gif", plain[:10] + b"\0" + plain[11:13] + body


def bmp(w, h, depth, rows, method=0, size=40, palette=b"", masks=b"", gap=0, down=False, colors=0):
    if size == 12:
        info = struct.pack("<IHHHH", 12, w, h, 1, depth)
    else:
        info = struct.pack("<IiiHHIIiiII", size, w, -h if down else h, 1, depth, method, 0, 0, 0, colors, 0)
        if size > 40:
            info += (masks + b"\0" * 100)[:size - 40]
            masks = b""
    start = 14 + len(info) + len(masks) + len(palette) + gap
    data = b"".join(rows)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + info + masks + palette + b"\0" * gap + data


def bmps(w, h, rng):
    rgb = photo(w, h, rng)
    gray = rgb[..., 0]
    im = Image.fromarray(rgb)
    pad = lambda b: b + b"\0" * (-len(b) % 4)
    bottom_up = lambda a: [pad(np.ascontiguousarray(r).tobytes()) for r in a[::-1]]
    yield "rgb.bmp", save(im, "BMP")
    yield "palette.bmp", save(im.quantize(200), "BMP")
    yield "gray.bmp", save(im.convert("L"), "BMP")
    yield "bits.bmp", save(im.convert("1"), "BMP")
    bgr = rgb[..., ::-1]
    yield "down.bmp", bmp(w, h, 24, bottom_up(bgr)[::-1], down=True)
    yield "gap.bmp", bmp(w, h, 24, bottom_up(bgr), gap=22)
    yield "v5.bmp", bmp(w, h, 24, bottom_up(bgr), size=124)
    yield "os2.bmp", bmp(w, h, 24, bottom_up(bgr), size=12)
    palette = rng.integers(0, 256, 16 * 4, dtype=np.uint8).tobytes()
    yield "palette4.bmp", bmp(w, h, 4, [pad(r) for r in packed(gray >> 4, 4)][::-1], palette=palette)
    yield "palette4_short.bmp", bmp(w, h, 4, [pad(r) for r in packed(gray >> 4, 4)][::-1], palette=palette[:40], colors=10)
    four = np.dstack([bgr, gray])
    yield "rgbx.bmp", bmp(w, h, 32, bottom_up(four))
    yield "rgba_fields.bmp", bmp(w, h, 32, bottom_up(four), 3, 108, masks=struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000))
    yield "abgr_fields.bmp", bmp(w, h, 32, bottom_up(four), 3, 56, masks=struct.pack("<IIII", 0xFF000000, 0xFF0000, 0xFF00, 0xFF))
    small = rgb.astype(np.uint16)
    yield "555.bmp", bmp(w, h, 16, bottom_up((small[..., 0] >> 3 << 10 | small[..., 1] >> 3 << 5 | small[..., 2] >> 3).astype("<u2")))
    yield "565.bmp", bmp(w, h, 16, bottom_up((small[..., 0] >> 3 << 11 | small[..., 1] >> 2 << 5 | small[..., 2] >> 3).astype("<u2")), 3,
                         masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    runs8, runs4 = b"", b""
    for row in gray[::-1]:
        x = 0
        while x < w:
            n = int(min(rng.integers(1, 9), w - x))
            if n >= 3 and rng.integers(2):
                runs8 += bytes([0, n]) + row[x:x + n].tobytes() + b"\0" * (n % 2)
                nibbles = packed([row[x:x + n] >> 4], 4)[0]
                runs4 += bytes([0, n]) + nibbles + b"\0" * (len(nibbles) % 2)
            else:
                runs8 += bytes([n, row[x]])
                runs4 += bytes([n, int(row[x] >> 4) << 4 | int(row[x] >> 4) ^ 5])
            x += n
        runs8, runs4 = runs8 + b"\0\0", runs4 + b"\0\0"
    big = rng.integers(0, 256, 256 * 4, dtype=np.uint8).tobytes()
    yield "rle8.bmp", bmp(w, h, 8, [runs8 + b"\0\1"], 1, palette=big)
    yield "rle4.bmp", bmp(w, h, 4, [runs4 + b"\0\1"], 2, palette=palette)


def tiffs(w, h, rng):
    im = Image.fromarray(photo(w, h, rng))
    rgba = im.copy()
    rgba.putalpha(Image.fromarray(photo(w, h, rng, 1)[..., 0]))
    yield "rgb.tif", save(im, "TIFF")
    yield "deflated.tiff", save(im, "TIFF", compression="tiff_adobe_deflate")
    yield "lzw.tif", save(im, "TIFF", compression="tiff_lzw")
    yield "rgba.tif", save(rgba, "TIFF")
    yield "gray.tif", save(im.convert("L"), "TIFF")
    yield "bits.tif", save(im.convert("1"), "TIFF")
    yield "palette.tif", save(im.quantize(50), "TIFF")
    yield "orientation6.tif", save(im, "TIFF", tiffinfo={0x0112: 6})


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--out", default="internal/imagefile/testdata")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--size", default="37x23")
    a = a.parse_args()
    w, h = map(int, a.size.split("x"))
    out = pathlib.Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(a.seed)
    for kinds in (pngs, jpegs, webps, gifs, bmps, tiffs):
        for name, data in kinds(w, h, rng):
            (out / name).write_bytes(data)
            try:
                ref = ImageOps.exif_transpose(Image.open(out / name)).convert("RGB")
            except Exception as e:
                raise SystemExit(f"{name}: {e!r}")
            opened = ImageOps.exif_transpose(Image.open(out / name))
            if name in WITH_ALPHA:
                (out / (name + ".rgba.png")).write_bytes(save(Image.fromarray(np.asarray(opened.convert("RGBA"))), "PNG", optimize=True))
            (out / (name + ".ref.png")).write_bytes(save(Image.fromarray(np.asarray(ref)), "PNG", optimize=True))


if __name__ == "__main__":
    main()
