"""Writes safetensors/testdata/headers.json: headers, and whether the Rust library takes them.

Run from the repository root with safetensors 0.8.
"""
import base64
import json
import struct

from safetensors import deserialize

W = '"dtype":"U8","shape":[1],"data_offsets":[0,1]'


def one(fields):
    return '{"w":{%s}}' % fields


# Name, header, bytes of data; the library says the rest.
CASES = [
    ("no tensors", "{}", 0),
    ("padded behind", "{}\r \t\n", 0),
    ("padded in front", "\t\n{}\r ", 0),
    ("spaces in front", " " * 50 + one(W), 1),
    ("spaces alone", "    ", 0),
    ("empty", "", 0),
    ("byte order mark", "\ufeff{}", 0),
    ("vertical tab in front", "\v{}", 0),
    ("no-break space in front", "\u00a0{}", 0),
    ("NUL behind", "{}\0\0", 0),
    ("NUL in front", "\0{}", 0),
    ("not UTF-8", b"\xff", 0),
    ("not UTF-8 in a name", b'{"\xff":{%s}}' % W.encode(), 1),
    ("open", "{", 0),
    ("array", "[]", 0),
    ("null", "null", 0),
    ("text", '"a"', 0),
    ("two values", "{}{}", 0),
    ("comma behind", one(W)[:-1] + ",}", 1),
    ("comment", "{/**/}", 0),
    ("bogus data behind", one(W), 10),
    ("data missing", one('"dtype":"I32","shape":[2,2],"data_offsets":[0,16]'), 14),
    ("zero-sized", one('"dtype":"I32","shape":[2,0],"data_offsets":[0, 0]'), 0),
    ("scalar", one('"dtype":"I32","shape":[],"data_offsets":[0,4]'), 4),
    ("wrong size", one('"dtype":"I32","shape":[2,2],"data_offsets":[0, 4]'), 4),
    ("shape overflows", one('"dtype":"I32","shape":[2,18446744073709551614],"data_offsets":[0,16]'), 16),
    ("bytes overflow", one('"dtype":"I32","shape":[2,9223372036854775807],"data_offsets":[0,16]'), 16),
    ("zero beside overflow", one('"dtype":"U8","shape":[0,18446744073709551615,18446744073709551615],"data_offsets":[0,0]'), 0),
    ("overflow beside zero", one('"dtype":"U8","shape":[9223372036854775807,9223372036854775807,0],"data_offsets":[0,0]'), 0),
    ("above uint64", one('"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,1]'), 1),
    ("attack by offsets", "{%s}" % ",".join('"weight_%d":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}' % i for i in range(10)), 16),
    ("hole at start", one('"dtype":"U8","shape":[1],"data_offsets":[1,2]'), 2),
    ("hole", '{"a":{%s},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}' % W, 3),
    ("overlap", '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}', 3),
    ("backwards", one('"dtype":"U8","shape":[0],"data_offsets":[1,0]'), 1),
    ("any order", '{"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{%s}}' % W, 2),
    ("empty ones between", '{"a":{%s},"b":{"dtype":"U8","shape":[0],"data_offsets":[1,1]},"c":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}' % W, 2),
    ("fields in any order", one('"data_offsets":[0,1],"shape":[1],"dtype":"U8"'), 1),
    ("unknown field", one(W + ',"note":{"a":[1,{}]}'), 1),
    ("unknown field null", one(W + ',"note":null'), 1),
    ("no dtype", one('"shape":[1],"data_offsets":[0,1]'), 1),
    ("no shape", one('"dtype":"U8","data_offsets":[0,1]'), 1),
    ("no offsets", one('"dtype":"U8","shape":[1]'), 1),
    ("dtype twice", one(W + ',"dtype":"U8"'), 1),
    ("unknown field twice", one(W + ',"x":1,"x":1'), 1),
    ("dtype null", one('"dtype":null,"shape":[1],"data_offsets":[0,1]'), 1),
    ("dtype in lower case", one('"dtype":"u8","shape":[1],"data_offsets":[0,1]'), 1),
    ("dtype unknown", one('"dtype":"F33","shape":[1],"data_offsets":[0,1]'), 1),
    ("dtype as an object", one('"dtype":{"U8":null},"shape":[1],"data_offsets":[0,1]'), 1),
    ("dtype escaped", one('"dtype":"\\u00558","shape":[1],"data_offsets":[0,1]'), 1),
    ("field in upper case", one('"DType":"U8","shape":[1],"data_offsets":[0,1]'), 1),
    ("shape null", one('"dtype":"U8","shape":null,"data_offsets":[0,1]'), 1),
    ("shape a number", one('"dtype":"U8","shape":1,"data_offsets":[0,1]'), 1),
    ("shape of text", one('"dtype":"U8","shape":["1"],"data_offsets":[0,1]'), 1),
    ("shape of a fraction", one('"dtype":"U8","shape":[1.0],"data_offsets":[0,1]'), 1),
    ("shape with exponent", one('"dtype":"U8","shape":[1e0],"data_offsets":[0,1]'), 1),
    ("shape negative", one('"dtype":"U8","shape":[-1],"data_offsets":[0,1]'), 1),
    ("shape minus zero", one('"dtype":"U8","shape":[-0],"data_offsets":[0,0]'), 0),
    ("shape with zero in front", one('"dtype":"U8","shape":[01],"data_offsets":[0,1]'), 1),
    ("shape of null", one('"dtype":"U8","shape":[null],"data_offsets":[0,1]'), 1),
    ("offsets null", one('"dtype":"U8","shape":[0],"data_offsets":null'), 0),
    ("one offset", one('"dtype":"U8","shape":[1],"data_offsets":[1]'), 1),
    ("three offsets", one('"dtype":"U8","shape":[1],"data_offsets":[0,1,1]'), 1),
    ("offsets an object", one('"dtype":"U8","shape":[1],"data_offsets":{"0":0,"1":1}'), 1),
    ("entry null", '{"w":null}', 0),
    ("entry an array", '{"w":["U8",[1],[0,1]]}', 1),
    ("entry empty", '{"w":{}}', 0),
    ("entry a number", '{"w":1}', 0),
    ("name empty", '{"":{%s}}' % W, 1),
    ("name long", '{"%s":{%s}}' % ("n" * 5000, W), 1),
    ("name twice", '{"w":{%s},"w":{%s}}' % (W, W), 1),
    ("name twice, escaped", '{"w":{%s},"\\u0077":{%s}}' % (W, W), 1),
    ("name escaped", '{"\\u00e9\\n\\"":{%s}}' % W, 1),
    ("name with a pair", '{"\\ud83d\\ude00":{%s}}' % W, 1),
    ("name with half a pair", '{"\\ud83d":{%s}}' % W, 1),
    ("name with a control", '{"a\tb":{%s}}' % W, 1),
    ("name with NUL", '{"a\\u0000b":{%s}}' % W, 1),
    ("metadata", '{"__metadata__":{"a":"b"}}', 0),
    ("metadata empty", '{"__metadata__":{}}', 0),
    ("metadata null", '{"__metadata__":null}', 0),
    ("metadata null beside a tensor", '{"__metadata__":null,"w":{%s}}' % W, 1),
    ("metadata text", '{"__metadata__":"a"}', 0),
    ("metadata array", '{"__metadata__":[]}', 0),
    ("metadata number", '{"__metadata__":0}', 0),
    ("metadata of a number", '{"__metadata__":{"a":1}}', 0),
    ("metadata of null", '{"__metadata__":{"a":null}}', 0),
    ("metadata of an object", '{"__metadata__":{"a":{}}}', 0),
    ("metadata twice", '{"__metadata__":{},"__metadata__":{}}', 0),
    ("metadata name twice", '{"__metadata__":{"a":"1","a":"2"}}', 0),
    ("metadata like a tensor", '{"__metadata__":{%s}}' % W, 1),
    ("metadata last", '{"w":{%s},"__metadata__":{"a":"b"}}' % W, 1),
    ("not quite metadata", '{"__metadata_":{"a":"b"}}', 0),
    ("nested 100 deep", one(W + ',"x":' + "[" * 100 + "]" * 100), 1),
    ("nested 1000 deep", one(W + ',"x":' + "[" * 1000 + "]" * 1000), 1),
    ("number huge", one(W + ',"x":1e999'), 1),
    ("not a number", one(W + ',"x":NaN'), 1),
]
DTYPES = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
          "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64}
for name, bits in DTYPES.items():
    for shape in ([4], [3], [1, 2]):
        n = 1
        for s in shape:
            n *= s
        size = n * bits // 8
        CASES.append((f"{name} {shape}", one(f'"dtype":"{name}","shape":{shape},"data_offsets":[0,{size}]'), size))


def accepted(data):
    try:
        deserialize(data)
        return True
    except Exception:
        return False


RAW = [
    ("nothing", b""),
    ("short prefix", b"\1\0\0"),
    ("header too large", b"<\0\0\0\0\xff\xff\xff" + one(W).encode() + b"\0"),
    ("header at the limit, cut", struct.pack("<Q", 100_000_000)),
    ("header over the limit", struct.pack("<Q", 100_000_001)),
    ("header cut", b"<\0\0\0\0\0\0\0"),
]

if __name__ == "__main__":
    out = [{"name": n, "file": base64.b64encode(d).decode(), "accepted": accepted(d)} for n, d in RAW]
    for name, header, size in CASES:
        header = header if isinstance(header, bytes) else header.encode()
        data = struct.pack("<Q", len(header)) + header + bytes(size)
        out.append({"name": name, "file": base64.b64encode(data).decode(), "accepted": accepted(data)})
    with open("safetensors/testdata/headers.json", "w") as f:
        json.dump(out, f, indent=0)
        f.write("\n")
