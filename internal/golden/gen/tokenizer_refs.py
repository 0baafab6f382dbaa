"""Writes clip/tokenizer/testdata: texts and the ids that transformers' CLIPTokenizer gives them.

Run from the repository root with transformers 5.23, tokenizers 0.23.3 and open_clip_torch 3.3 (for CLIP's merges).

  folders.zip         tokenizer folders in the forms that are published, of a small vocabulary
  texts.json.gz       odd and random texts; their ids by each folder's tokenizer and by CLIP's own; padded ids; decoded ids
  unicode.json.gz     the class, lower case and composition of every code point, and checksums of its ids in context
"""
import gzip, hashlib, io, json, os, random, struct, tempfile, zipfile

import open_clip
from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE
from transformers import CLIPTokenizer

OUT = "clip/tokenizer/testdata"
BOS, EOS = "<|startoftext|>", "<|endoftext|>"
SURROGATES = range(0xD800, 0xE000)
rng = random.Random(7)


def byte_alphabet():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]


def clip_files(n_merges):
    path = os.path.join(os.path.dirname(open_clip.__file__), "bpe_simple_vocab_16e6.txt.gz")
    lines = gzip.open(path).read().decode().split("\n")
    merges = [tuple(line.split()) for line in lines[1:n_merges + 1]]
    symbols = byte_alphabet()
    vocab = symbols + [s + "</w>" for s in symbols] + [a + b for a, b in merges] + [BOS, EOS]
    return {t: i for i, t in enumerate(vocab)}, merges


def write_gz(name, value):
    data = json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(gzip.compress(data, 9, mtime=0))


# Folders

def token(content, **flags):
    return {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False, **flags}


def saved(content, **flags):
    return token(content, normalized=False, special=True, **flags)


def published(pad, **more):
    """tokenizer_config.json and special_tokens_map.json as the first SDXL releases have them"""
    marks = {"bos_token": token(BOS), "eos_token": token(EOS), "unk_token": token(EOS)}
    return {
        "tokenizer_config.json": {"add_prefix_space": False, "clean_up_tokenization_spaces": True, "do_lower_case": True,
                                  "errors": "replace", "model_max_length": 77, "pad_token": pad, "tokenizer_class": "CLIPTokenizer",
                                  **{k: {"__type": "AddedToken", **v} for k, v in marks.items()}, **more},
        "special_tokens_map.json": {**marks, "pad_token": pad},
    }


def folders():
    vocab, merges = clip_files(300)
    files = {"vocab.json": vocab, "merges.txt": "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges)}
    yield "bare", files
    yield "published_l", {**files, **published(EOS)}
    yield "published_g", {**files, **published("!")}
    yield "config_only", {**files, "tokenizer_config.json": published("!")["tokenizer_config.json"]}
    yield "decoder", {**files, "tokenizer_config.json": {
        "added_tokens_decoder": {"0": saved("!"), "812": {**saved(BOS), "normalized": True}, "813": {**saved(EOS), "normalized": True}},
        "bos_token": BOS, "eos_token": EOS, "pad_token": "!", "unk_token": EOS, "model_max_length": 64}}
    flags = {"814": saved("<cat>", lstrip=True, rstrip=True), "815": token("sks", single_word=True, special=False),
             "816": token("Hello  World", special=False), "817": saved("ÀB"), "818": token("<Left>", lstrip=True, special=False),
             "819": token("Ångström", rstrip=True, special=False), "820": saved("<cat>s"), "821": token("が", special=False)}
    yield "flags", {**files, "tokenizer_config.json": {"added_tokens_decoder": flags, "pad_token": "!", "model_max_length": 77,
                                                       "additional_special_tokens": ["<extra>", "sks"]}}
    yield "added", {**files, **published("!"), "added_tokens.json": {"<new>": 814, "Two Words": 815, "<pad>": 816},
                    "special_tokens_map.json": {**published("<pad>")["special_tokens_map.json"], "additional_special_tokens": ["<new>"]}}

    order = list(vocab)
    rng.shuffle(order)
    shuffled = {t: i for i, t in enumerate(order)}
    yield "saved", save(shuffled, merges, pad_token="!", model_max_length=77)
    one_string = save(vocab, merges, pad_token="!", bos_token="<s>", model_max_length=32)
    one_string["tokenizer.json"]["model"]["merges"] = [" ".join(m) for m in one_string["tokenizer.json"]["model"]["merges"]]
    yield "merge_strings", one_string

    missing = {"q", "q</w>", "z", "Ł", "©</w>", "ð", "Ģ</w>"}
    few = [t for t in vocab if t not in missing]
    kept = {t: i for i, t in enumerate(few)}
    pairs = [(a, b) for a, b in merges if a in kept and b in kept and a + b in kept]
    yield "missing_bytes", {"vocab.json": kept, "merges.txt": "".join(f"{a} {b}\n" for a, b in pairs)}


def save(vocab, merges, **kwargs):
    with tempfile.TemporaryDirectory() as d:
        CLIPTokenizer(vocab, merges, **kwargs).save_pretrained(d)
        return {name: json.load(open(os.path.join(d, name))) for name in sorted(os.listdir(d))}


def load(files):
    with tempfile.TemporaryDirectory() as d:
        for name, content in files.items():
            with open(os.path.join(d, name), "w", encoding="utf-8") as f:
                f.write(content if isinstance(content, str) else json.dumps(content))
        return CLIPTokenizer.from_pretrained(d)


def write_zip(all_folders):
    with zipfile.ZipFile(os.path.join(OUT, "folders.zip"), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        for folder, files in all_folders.items():
            for name, content in files.items():
                text = content if isinstance(content, str) else json.dumps(content)
                z.writestr(zipfile.ZipInfo(f"{folder}/{name}", (1980, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)


# Texts

PLAIN = """a photo of a cat|A Photo, of a CAT!|the quick brown fox jumps over the lazy dog|masterpiece, best quality, (ultra-detailed:1.3), [sky]
don't you'd we'll I'm they're he's I've 'tis 'S 'RE '' ''s 's't 'llama 'dog o'clock rock'n'roll it’s DON'T
1234567890 3.14159 1,000,000 ½ ² Ⅷ ①② ٣٤٥ ४५ 𝟘𝟙 100% #1 v2.0-beta $5.99 €20|x²+y²=z²|H₂O
!|!!|!!!|! !|hello!|hello!!! world|wow!?!?|!a!|¡!
hello<|startoftext|>world|<|endoftext|>|<|startoftext|>a<|endoftext|>|<|STARTOFTEXT|>|<|EndOfText|>!!|a<|StartOfText|>b|!<|EndOfText|>|<|Endoftext|>'s|<|endoftext|> |  <|endoftext|>|<|startoftext|<|endoftext|>|<|<|EndOfText|>|><|startoftext|>
<cat>|a  <cat>  b|a<cat>b|<cat>s|<CAT>|sks|asks|sks dog|a sks.|sks_|sks1|SKS|éskś|skś|Hello World|hello  world|hello\t\u3000WORLD|Hello World!|ÀB|àb|A\u0300B|a <Left> b|a  <left>b
Ångström x|ångström  x|A\u030angstro\u0308m x|がぎ|か\u3099|<new> <NEW>|Two Words|two  words|<pad>|<extra>|<s>|<S>
&amp; &lt;b&gt; &quot; &#39; &nbsp;|schÃ¶n donâ€™t|ﬁne ﬂow ﬀ ﬃ ﬆ|ß ẞ STRASSE straße|İstanbul ISTANBUL ıstanbul I\u0307|Σίσυφος ΣΑΣ ς|ǅ ǆ Ǆ ǈ|ſ K Å Ω
日本語のテキスト|中文字符测试|한국어 텍스트|각 \u1100\u1161\u11a8 \u1100\u1161|ｆｕｌｌｗｉｄｔｈ　ｔｅｘｔ １２３|ไทย ภาษา|नमस्ते क्षि|العربية مَرْحَبًا|עִבְרִית שָׁלוֹם|ქართული ᲥᲐᲠᲗᲣᲚᲘ|Ꭰꭰ Ᏸᏸ|𐐀𐐨 𞤀𞤢
😀 👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 1️⃣ ☺️ ❤ 🏴\U000e0067\U000e0062\U000e007f|a😀b|😀😀😀|café cafe\u0301 CAFÉ CAFE\u0301|e\u0301\u0323 e\u0323\u0301 ệ|\u0301abc|a\u0327\u0301\u0328|ẛ̣
\x00|a\x00b|\x00\x00|\x01\x02\x1b[31m|\x7f\x80\x9f|\x1c\x1d\x1e\x1f a|\u200b\u200c\u200d\u2060\ufeff|a\u200bb|\xad soft\xadhyphen|\u202eabc\u202c|\ufffd|\ufffe\uffff|\U0010ffff|\ue000\U000f0000|\u0378\U0003ffff
|\x20|\x20\x20\x20|\\n|\t\\n\x0b\x0c\r |a\u0085b|a\xa0b|a\u1680b|a\u2000b\u2009c\u200ad|a\u2028b\u2029c|a\u202fb\u205fc\u3000d|a\u180eb|\u2003lead and trail\u2003|x\x1cy
---|a-b_c|__init__|foo.bar(baz)|https://example.com/?q=1&r=2#frag|C:\\\\path|«quotes» “smart” ‘single’|…—–|a/b|$$$|^_^|¯\\_(ツ)_/¯|(｡◕‿◕｡)|∑∫√∞ ≠≤≥ ℝℕℤ|♠♥♦♣|→←↑↓
supercalifragilisticexpialidocious|pneumonoultramicroscopicsilicovolcanoconiosis|Donaudampfschifffahrtsgesellschaftskapitän|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|asdfghjkl qwertyuiop zxcvbnm|llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"""


def texts():
    hand = []
    for line in PLAIN.split("\n"):
        hand += [t.replace("\\n", "\n") for t in line.split("|")] if "<|" not in line else [*line.split("|<"), line]
        hand.append(line.replace("\\n", "\n"))
    # marks in the text, which contain the separator above
    for a in ("", "a", "!", "1", " ", "'", "é", "<|"):
        for m in (BOS, EOS, BOS.upper(), "<|EndOfText|>", "<|endoftext|", "|endoftext|>", EOS + EOS.title()):
            for b in ("", "b", "!!", "'s", " c"):
                hand.append(a + m + b)
    hand += ["z" + "".join(chr(rng.choice([*range(0x300, 0x370), 0x5B0, 0x64B, 0x3099])) for _ in range(n)) + "x" for n in (5, 29, 30, 31, 40, 300)]
    hand += ["a" + "\u0301" * n + "\u0323" for n in (1, 30, 31, 64)]
    return list(dict.fromkeys(hand))


def random_texts():
    marks = [*range(0x300, 0x370), *range(0x483, 0x488), *range(0x591, 0x5C8), *range(0x64B, 0x660), *range(0x1AB0, 0x1AF0),
             *range(0x1DC0, 0x1E00), *range(0x20D0, 0x20F1), 0x3099, 0x309A, 0x9BE, 0x9D7, 0xDCA, 0xDCF, 0x102E, 0x11930, 0x1D165]
    pools = {
        "any": [c for c in range(0x110000) if c not in SURROGATES],
        "bmp": [c for c in range(0x10000) if c not in SURROGATES],
        "latin": [*range(0x20, 0x250)],
        "ascii": [*range(0x80)],
        "marks": [*range(0x41, 0x7B)] + marks * 2,
        "hangul": [*range(0x1100, 0x1200), *range(0xA960, 0xA980), *range(0xAC00, 0xD7FF), *marks[:20]],
        "indic": [*range(0x900, 0xE00)],
        "scripts": [*range(0x370, 0x900), *range(0x1E00, 0x2000), *range(0x2C00, 0x2E00), *range(0xA640, 0xAC00)],
        "new": [*range(0x10500, 0x10600), *range(0x11300, 0x11400), *range(0x11900, 0x11960), *range(0x16100, 0x16140),
                *range(0x16D40, 0x16D80), *range(0x1E4D0, 0x1E5FF), *range(0x1AB0, 0x1B00), *marks[:9]],
        "emoji": [*range(0x1F300, 0x1FB00), 0x200D, 0xFE0F, 0x20E3, *range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080), 0x20],
        "compat": [*range(0xF900, 0xFB00), *range(0x2F800, 0x2FA20), *range(0xFB00, 0xFB50), *range(0x212A, 0x2150)],
        "space": [9, 10, 11, 12, 13, 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x2010), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0x41, 0x31, 0x27, 0x73, 0x21],
    }
    for pool in pools.values():
        for n in (1, 2, 3, 5, 8, 13, 21, 34):
            yield "".join(chr(rng.choice(pool)) for _ in range(n))
    words = "a an the photo cat Dog's don't 1girl 8k, (best:1.2) naïve café <|endoftext|> ! !!! 日本 😀 \n \t sks <cat> i'll WE'RE".split(" ")
    for _ in range(60):
        yield rng.choice(["", " "]).join(rng.choice(words) for _ in range(rng.randrange(1, 40)))


def checksum(ids):
    return hashlib.sha256(struct.pack(f"<{len(ids)}i", *ids)).hexdigest()[:16]


# Every code point

def runs(classify):
    out = []
    for c in range(0x110000):
        k = "" if c in SURROGATES else classify(chr(c))
        if not out or out[-1][1] != k:
            out.append([c, k])
    return out


def classes():
    split = {k: pre_tokenizers.Split(Regex(p), behavior="removed", invert=True) for k, p in (("L", r"\p{L}"), ("N", r"\p{N}"), ("S", r"\s"))}
    word = Tokenizer(BPE(vocab={"x": 0}, merges=[], unk_token="x"))  # an added token tells what adjoins a single word
    word.add_tokens([AddedToken("word", single_word=True, normalized=False)])
    return runs(lambda s: "".join(k for k, p in split.items() if p.pre_tokenize_str(s)) + ("W" if 1 not in word.encode("word" + s).ids else ""))


def context(c):
    """Every code point where it is a letter's neighbour, can combine on either side, and stands alone."""
    s = chr(c)
    return f"e{s}\u0323\u0301 \u09c7{s}\u0334{s}\u3099 \u1100{s}\u11a8 1{s}'s"


def code_points(clip):
    lower, nfc, nfd = normalizers.Lowercase(), normalizers.NFC(), normalizers.NFD()
    norm = clip.backend_tokenizer.normalizer
    blocks = []
    for start in range(0, 0x110000, 0x400):
        # all that could be assigned before long, and a sample of the rest
        block = [context(c) for c in range(start, start + 0x400)
                 if c not in SURROGATES and (c < 0x34000 or c >> 16 == 14 or c % 251 == 0)]
        normal = "\n".join(norm.normalize_str(s) for s in block)
        ids = [i for ids in clip(block).input_ids for i in ids] if block else []
        blocks.append([hashlib.sha256(normal.encode()).hexdigest()[:16], checksum(ids)])
    valid = [chr(c) for c in range(0x110000) if c not in SURROGATES]
    low = [[s, lower.normalize_str(s)] for s in valid if lower.normalize_str(s) != s]
    parts = [nfd.normalize_str(s) for s in valid if nfd.normalize_str(s) != s and (not 0xAC00 <= ord(s) < 0xD7A4 or ord(s) % 7 == 0)]
    return {"classes": classes(), "lower": low, "blocks": blocks, "compose": [[d, nfc.normalize_str(d)] for d in parts]}


def main():
    os.makedirs(OUT, exist_ok=True)
    vocab, merges = clip_files(49152 - 256 - 2)
    clip = {"clip_l": CLIPTokenizer(vocab, merges, model_max_length=77), "clip_g": CLIPTokenizer(vocab, merges, model_max_length=77, pad_token="!")}
    small = dict(folders())
    write_zip(small)
    tokenizers = {**clip, **{name: load(files) for name, files in small.items()}}

    hand, fuzz = texts(), list(random_texts())
    sets = {}
    for name, t in tokenizers.items():
        some = hand + (fuzz if name in clip or name == "published_g" else fuzz[::5])
        n = min(t.model_max_length, 77)
        long = [[s, k, len(ids), checksum(ids)] for s, k in (("a", 100000), ("ab", 5000), ("a cat, ", 1500), ("é", 10000), ("e\u0301\u0323", 4000), ("!", 10000), ("😀", 3000))
                for ids in [t(s * k).input_ids]]
        sets[name] = {
            "bos": t.bos_token_id, "eos": t.eos_token_id, "pad": t.pad_token_id, "model_max_length": n, "size": len(t),
            "ids": [t(s).input_ids for s in some],
            "bare": [t(s, add_special_tokens=False).input_ids for s in some[:40]],
            "padded": [t(s, padding="max_length", max_length=n, truncation=True).input_ids for s in some[::7]],
            "short": [t(s, padding="max_length", max_length=5, truncation=True).input_ids for s in some[:40]],
            "long": long,
            "decoded": [[ids, t.decode(ids)] for ids in [t(s).input_ids for s in some[::9]] + [[rng.randrange(len(t)) for _ in range(12)] for _ in range(30)]],
        }
    write_gz("texts.json.gz", {"hand": hand, "fuzz": fuzz, "sets": sets})
    write_gz("unicode.json.gz", code_points(clip["clip_g"]))


main()
