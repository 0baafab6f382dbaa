"""Writes internal/imagefile/testdata/texts: pictures with texts as the programs write them, and texts.json with what is in them.

AUTOMATIC1111's web UI writes JPEG and WebP with piexif, ComfyUI its WebP with Pillow. Run from the repository's root.
"""
import io
import json
import pathlib

import piexif
import piexif.helper
from PIL import Image, PngImagePlugin

OUT = pathlib.Path("internal/imagefile/testdata/texts")
INFOTEXT = "a naïve cat, 猫 🐈\nNegative prompt: (bad:1.2)\nSteps: 20, Sampler: Euler a, Seed: 5, Size: 512x512"
LATIN = INFOTEXT.replace("猫 🐈", "cat")
PROMPT = {"3": {"class_type": "KSampler", "inputs": {"seed": 5, "title": "naïve 猫"}}}
WORKFLOW = {"nodes": [], "version": 0.4}
picture = Image.linear_gradient("L").resize((16, 12)).convert("RGB")


def saved(fmt, **kw):
    b = io.BytesIO()
    picture.save(b, fmt, **kw)
    return b.getvalue()


def web_ui(data, text=INFOTEXT):
    exif = piexif.dump({"Exif": {piexif.ExifIFD.UserComment: piexif.helper.UserComment.dump(text, encoding="unicode")}})
    b = io.BytesIO()
    piexif.insert(exif, data, b)
    return b.getvalue()


def little_endian(text):
    """EXIF as exiftool writes it in files of that order: the comment has it too."""
    exif = Image.Exif()
    exif.endian = "<"
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-le")
    return saved("JPEG", exif=exif)


def comfy():
    exif = picture.getexif()
    exif[0x0110] = "prompt:" + json.dumps(PROMPT)
    exif[0x010F] = "workflow:" + json.dumps(WORKFLOW)
    return saved("WEBP", exif=exif, lossless=True)


def png(**texts):
    info = PngImagePlugin.PngInfo()
    for k, v in texts.items():
        info.add_text(k, v)
    return saved("PNG", pnginfo=info)


FILES = {
    "web_ui.jpg": (web_ui(saved("JPEG")), {"parameters": INFOTEXT}),
    "web_ui.webp": (web_ui(saved("WEBP", lossless=True)), {"parameters": INFOTEXT}),
    "web_ui_lossy.webp": (web_ui(saved("WEBP", quality=80)), {"parameters": INFOTEXT}),
    "web_ui_latin.jpg": (web_ui(saved("JPEG"), LATIN), {"parameters": LATIN}),
    "little_endian.jpg": (little_endian(INFOTEXT), {"parameters": INFOTEXT}),
    "web_ui.png": (png(parameters=INFOTEXT), {"parameters": INFOTEXT}),  # an iTXt chunk
    "web_ui_latin.png": (png(parameters=LATIN), {"parameters": LATIN}),  # a tEXt chunk
    "comfy.webp": (comfy(), {"prompt": json.dumps(PROMPT), "workflow": json.dumps(WORKFLOW)}),
    "comfy.png": (png(prompt=json.dumps(PROMPT), workflow=json.dumps(WORKFLOW)), {"prompt": json.dumps(PROMPT), "workflow": json.dumps(WORKFLOW)}),
    "comment.jpg": (saved("JPEG", comment=LATIN), {"comment": LATIN}),
    "comment.gif": (saved("GIF", comment=LATIN), {"comment": LATIN}),
    "none.jpg": (saved("JPEG"), {}),
}

if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for name, (data, _) in FILES.items():
        (OUT / name).write_bytes(data)
    (OUT / "texts.json").write_text(json.dumps({name: texts for name, (_, texts) in FILES.items()}, ensure_ascii=False, indent=1) + "\n")
