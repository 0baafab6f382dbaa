"""Writes sdxl/prompt/testdata/web_ui_tokens.json: the token ids of texts as AUTOMATIC1111's web UI has them for SDXL's two
encoders: open_clip's tokenizer, and the older CLIPTokenizer, which repairs texts with ftfy and undoes no HTML.

Run from the repository root with open_clip_torch 3.3 and ftfy 6.3; --texts FILE takes others, a JSON list.
"""
import argparse
import json

import ftfy
import ftfy.bad_codecs  # noqa: F401, the sloppy encodings
import regex
from open_clip.tokenizer import SimpleTokenizer, whitespace_clean

TEXTS = [
    "!", "!!", "!!!", "wow!", "wow!!", "! !", "a! b!", "!a", "?!", "!?", "a cat!", "Hello, world!", "1!", "!1", "<!>",
    "rock &amp; roll", "rock &amp;amp; roll", "rock & roll", "&lt;lora&gt;", "&lt;b&gt; bold", "a &eacute; b", "&EACUTE;t&EACUTE;", "&copy; 2024", "&#33; &#x21;",
    "&nbsp;x&nbsp;y", "&notit;", "&amp", "&unknown; x", "&quot;quoted&quot;", "5 &gt; 3 <b>", "&#0;", "&#128;", "AT&T; x", "&hearts;", "&semi;x",
    "it’s", "‘quoted’ and “double”", "„low“", "don\u02bct", "a…b", "en – em —", "naïve café", "cafe\u0301", "Å ström", "ﬁne ﬂuﬀy oﬃce", "ĳs", "ǅep",
    "ＡＢＣ　１２３", "ｶﾀｶﾅ", "～！", "猫と犬", "кошка", "ΣΊΣΥΦΟΣ ΟΔΟΣ", "ΟΔΟΣ.", "Σ", "İstanbul", "STRASSE straße",
    "cafÃ©", "itâ€™s", "â€œquotedâ€\u009d", "naÃ¯ve", "l’humanitÃ©", "Ã©tÃ© Ã  la plage", "Â©", "Â£5", "caf\u00e9 \u00c3", "Ã", "Â", "ÂÃ", "\u0085x", "\u0091quoted\u0092", "a\u0080b",
    "tab\tand  spaces \u00a0 and\u3000wide", "line\r\nend\rand\u2028more", "  in front and behind  ", "", " ", "\n", "\u200bzero", "a\u200db", "\ufeffmark", "nul\x00x", "bell\x07", "\x1b[31mred\x1b[0m", "\x7fdel",
    "<|endoftext|>", "<|startoftext|> a", "<end_of_text>", "a <start_of_text> b", "don't we'll they're I'm you've he'd", "DON'T", "a1b2", "3.14", "#tag @user", "🐈 cat", "👩‍🚀", "\U0001f1e9\U0001f1ea",
    "masterpiece, best quality, 1girl, solo!", "oil painting by Frédéric Bazille, 8k!!", "(a)", "__wild__", "a_b-c/d\\e", "½ ² № ™ ®", "e\u0323\u0302", "한국어", "ไทย", "हिन्दी", "مرحبا", "ﷺ", "ſt", "ﬅ",
]


# Whole texts read in a wrong encoding, some twice, and texts of which a part was.
WORDS = ["café au lait, naïve œuvre", "“quoted” text… it’s fine", "señor niño ¡hola! ¿qué?", "Łódź żółw ćma", "кошка и собака", "Αθήνα όμορφη", "日本語の猫", "한국어 텍스트", "العربية",
         "emoji 🐈 😀 👍🏽", "– en — em • bullet ™ ® © €", "ÀÉÎÕÜ àéîõü ß", "français à la carte", "São Paulo, coração", "İstanbul ığdır", "naïve ½ × 3 ÷ 2 ° ± ²"]
MISREAD = [w.encode().decode(e, "replace") for w in WORDS for e in (
    "latin-1", "sloppy-windows-1252", "sloppy-windows-1251", "sloppy-windows-1250", "sloppy-windows-1253", "sloppy-windows-1254", "sloppy-windows-1257", "iso-8859-2", "macroman", "cp437", "koi8-r")]
TEXTS += [*MISREAD, *(w.encode().decode("sloppy-windows-1252").encode().decode("sloppy-windows-1252") for w in WORDS), *(f"{m} and {w}" for m, w in zip(MISREAD[::7], WORDS)),
          *(m.replace("\xa0", " ") for m in MISREAD if "\xa0" in m), "voilÃ le travail", "doesnÃƒÂ¢Ã¢â€šÂ¬Ã¢â€žÂ¢t", "uÌˆnicode", "â€œ lost â€\ufffd", "í\xa0½í¸\x8d smile", "À\x80 nul"]


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--texts")
    a.add_argument("--out", default="sdxl/prompt/testdata/web_ui_tokens.json")
    a = a.parse_args()
    texts = json.load(open(a.texts)) if a.texts else TEXTS
    second = SimpleTokenizer()
    first = SimpleTokenizer()
    first.clean_fn = lambda s: whitespace_clean(ftfy.fix_text(s)).lower()
    first.pat = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE)  # its marks have other names
    out = []
    for s in texts:
        parts, ids = s.replace("<|startoftext|>", "\0S\0").replace("<|endoftext|>", "\0E\0").split("\0") if "<|" in s else [s], []
        for i, part in enumerate(parts):
            ids += [{"S": first.sot_token_id, "E": first.eot_token_id}[part]] if i % 2 else first.encode(part)
        out.append({"text": s, "first": ids, "second": second.encode(s)})
    with open(a.out, "w") as f:
        json.dump(out, f, ensure_ascii=True)
        f.write("\n")


if __name__ == "__main__":
    main()
