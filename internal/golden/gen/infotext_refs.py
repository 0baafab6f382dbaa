"""Writes internal/infotext/testdata/infotexts.json: texts in the shapes that programs and people give them, and what
AUTOMATIC1111's web UI reads in them, by its rule written anew.

Run from the repository root.
"""
import json
import re

FIELD = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


def unquote(v):
    if not v or v[0] != '"' or v[-1] != '"':
        return v
    try:
        return json.loads(v)
    except ValueError:
        return v


def parse(s):
    *lines, last = s.strip().split("\n")
    if len(FIELD.findall(last)) < 3:
        lines.append(last)
        last = ""
    prompt = negative = ""
    done = False
    for line in lines:
        line = line.strip()
        if line.startswith("Negative prompt:"):
            done = True
            line = line[16:].strip()
        if done:
            negative += ("" if negative == "" else "\n") + line
        else:
            prompt += ("" if prompt == "" else "\n") + line
    fields = {}
    for k, v in FIELD.findall(last):
        if v == "":
            continue  # the web UI stumbles over it, and goes on
        v = unquote(v)
        if v != "":
            fields[k] = v
    return prompt, negative, fields


TAIL = "Steps: 28, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 3217213893, Size: 832x1216, Model hash: 31e35c80fc, Model: sd_xl_base_1.0, Version: v1.6.0"
NEW = "Steps: 30, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5.5, Seed: 12345, Size: 1024x1024, Model hash: 31e35c80fc, Model: sd_xl_base_1.0, VAE hash: 63aeecb90f, VAE: sdxl_vae.safetensors, Clip skip: 2, Version: v1.10.1"
FORGE = "Steps: 20, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, Seed: 7, Size: 896x1152, Model hash: 0123456789, Model: m, Version: f2.0.1v1.10.1-previous-659-gc055f2d4, Module 1: ae, Module 2: clip_l"
TEXTS = [
    "a cat\n" + TAIL,
    "a cat\nNegative prompt: a dog\n" + TAIL,
    "a cat\nNegative prompt: a dog\n" + NEW,
    "a cat\nNegative prompt: a dog\n" + FORGE,
    "a cat, (sitting:1.2), [in [the:a]:garden:0.5] BREAK sunlight, <lora:detail_xl:0.8>\nNegative prompt: (worst quality:1.4), bad hands\n" + NEW,
    "two\nlines\nNegative prompt: three\nmore\nlines\n" + TAIL,
    "a line\n\nafter an empty one\nNegative prompt: x\n\ny\n" + TAIL,
    "  indented  \n   Negative prompt:   indented too  \n  " + TAIL + "  ",
    "\tby tabs\n\tNegative prompt:\tx\t\n\t" + TAIL + "\t\n",
    "windows\r\nNegative prompt: of it\r\nand more\r\n" + TAIL + "\r\n",
    "windows\r\n\r\nNegative prompt: of it\r\n" + NEW + "\r\n\r\n",
    "Negative prompt: alone\n" + TAIL,
    TAIL,
    "\n\n\n" + TAIL,
    "just a prompt",
    "just a prompt\nNegative prompt: and a negative one",
    "a: b, c: d",
    "fields: in, the: prompt, it: is",
    "ends like fields\nbut has: two, only: of them",
    "ends like fields\nName: has, three: of, them: so it is",
    "",
    " \n ",
    "Negative prompt:",
    "Negative prompt: x",
    "x\nNegative prompt: y\nNegative prompt: z\n" + TAIL,
    "x\nnegative prompt: lower case\n" + TAIL,
    "x\nNegative prompt : with a space\n" + TAIL,
    "x Negative prompt: in the line\n" + TAIL,
    "x\nNegative prompt:y\n" + TAIL,
    "猫と犬, 美しい\nNegative prompt: 悪い手、ぼやけた\n" + TAIL,
    "кошка\nNegative prompt: собака\n" + TAIL.replace("Model: sd_xl_base_1.0", "Модель: имя, Model: имя"),
    "emoji 🐈‍⬛ and é\nNegative prompt: naïve\n" + TAIL,
    "a\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, Lora hashes: \"one: 1234567890ab, two: ba0987654321\", Version: v1.7.0",
    "a\nSteps: 20, Sampler: Euler a, TI hashes: \"easynegative: c74b4e810b03\", Version: v1.7.0",
    "a\nSteps: 20, Wildcard prompt: \"a {b|c}, \\\"quoted\\\", and \\\\ more: yes\", Seed: 4",
    "a\nSteps: 20, Template: \"with\\na line\", Negative Template: \"x, y\", Seed: 4",
    "a\nSteps: 20, Broken: \"no end, Seed: 4, Size: 64x64",
    "a\nSteps: 20, Broken: \"bad \\q escape\", Seed: 4",
    "a\nSteps: 20, Broken: \"then\" more, Seed: 4",
    "a\nSteps: 20, Empty: , Seed: 4, Size: 64x64",
    "a\nSteps: 20, Empty: \"\", Seed: 4, Size: 64x64",
    "a\nSteps: 20, Seed: 4, Seed: 5, Size: 64x64",
    "a\nSteps:20,Sampler:Euler,Seed:4",
    "a\nSteps: 20 , Sampler: Euler , Seed: 4 ",
    "a\nSteps: 20, S: one letter, Sampler: Euler, Seed: 4",
    "a\nSteps: 20, Hires upscale: 2, Hires steps: 15, Hires upscaler: 4x-UltraSharp, Denoising strength: 0.4, Seed: 4",
    "a\nSteps: 20, ControlNet 0: \"Module: canny, Model: control [abc], Weight: 1, Resize Mode: Crop and Resize\", Seed: 4",
    "a\nSteps: 20, ADetailer model: face_yolov8n.pt, ADetailer confidence: 0.3, ADetailer dilate/erode: 4, Seed: 4",
    "a\nSteps: 20, Sampler: DPM++ 2M SDE Karras, RNG: CPU, Eta: 0.5, ENSD: 31337, NGMS: 0.2, Seed: 4",
    "a\nSteps: 20, Variation seed: 2, Variation seed strength: 0.3, Seed resize from: 512x512, Seed: 4",
    "a\nSteps: 20, Batch size: 4, Batch pos: 2, Seed: 4",
    "a\nSteps: 20, Refiner: sd_xl_refiner_1.0 [7440042bbd], Refiner switch at: 0.8, Seed: 4",
    "a\nSteps: 20, Date: 2024-01-02T10:20:30, Time: 3.2 sec., Seed: 4",
    "a\nSteps: 20, Url: https://example.org/a?b=c, Seed: 4",
    "a\nSteps: 20, Schedule type: Align Your Steps, Sampler: DPM++ 3M SDE, Seed: 4",
    "a\nSteps: 20\tSampler: Euler, Seed: 4, Size: 64x64",
    "a\n Steps: 20, Sampler: Euler, Seed: 4",
    "a\nSteps: 20, Sampler: Euler, Seed: 4\nTemplate: a line after",
    "a\nSteps: 20, Sampler: Euler, Seed: 4\n\nTemplate: x, Other: y, Third: z",
    "a, b, c,\nNegative prompt: d, e,\nSteps: 20, Sampler: Euler, Seed: 4,",
    "a\nNegative prompt: Steps: 20, Sampler: Euler, Seed: 4",
    "a\nCivitai resources: [{\"type\":\"checkpoint\",\"modelVersionId\":128078}], Steps: 20, Seed: 4",
    "a\nSteps: 20, Civitai metadata: {}, Sampler: Euler, Seed: 4",
    "a\nUser: \"x\", Steps: 20, Pad conds: True, Seed: 4",
    "a\x1f\nNegative prompt: b\x1c\nSteps: 20, Sampler: Euler, Seed: 4",
    "a \u00a0\u3000\n\u2003Negative prompt: b\nSteps: 20,\u00a0Sampler: Euler, Seed: 4",
]

if __name__ == "__main__":
    out = []
    for s in TEXTS:
        prompt, negative, fields = parse(s)
        out.append({"text": s, "prompt": prompt, "negative": negative, "fields": fields})
    with open("internal/infotext/testdata/infotexts.json", "w") as f:
        json.dump(out, f, indent=1, ensure_ascii=False)
        f.write("\n")
