// Reads the parameters in a PNG: the text under the keyword "easel", which is JSON.
export function parameters(buffer) {
  const bytes = new Uint8Array(buffer), view = new DataView(buffer), utf8 = new TextDecoder();
  if (bytes.length < 8 || view.getUint32(0) !== 0x89504e47) throw new Error("this file is no PNG");
  for (let at = 8; at + 12 <= bytes.length;) {
    const size = view.getUint32(at), kind = utf8.decode(bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + size);
    if (kind === "iTXt") {
      const end = body.indexOf(0);
      if (utf8.decode(body.subarray(0, end)) === "easel" && body[end + 1] === 0) {
        // After the keyword: two flags, then a language and a translated keyword, each ended by 0.
        const text = body.indexOf(0, body.indexOf(0, end + 3) + 1) + 1;
        return JSON.parse(utf8.decode(body.subarray(text)));
      }
    }
    at += 12 + size;
  }
  throw new Error("this picture holds no parameters of easel");
}
