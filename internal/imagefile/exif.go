package imagefile

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Tags of EXIF's directories.
const (
	tagDescription = 0x010e
	tagMake        = 0x010f
	tagModel       = 0x0110
	tagOrientation = 0x0112
	tagExif        = 0x8769 // where the second directory lies
	tagUserComment = 0x9286 // in the second
)

// Types of EXIF's values.
const (
	exifASCII     = 2
	exifShort     = 3
	exifLong      = 4
	exifUndefined = 7
	exifSShort    = 8
	exifSLong     = 9
)

// EXIFPrefix stands before EXIF data in JPEG, and in some other files.
const EXIFPrefix = "Exif\x00\x00"

// unicodePrefix says that a user comment is UTF-16.
const unicodePrefix = "UNICODE\x00"

// exifData is a TIFF file of directories.
type exifData struct {
	binary.ByteOrder
	data []byte
}

// readEXIF returns false for data that are not EXIF.
func readEXIF(data []byte) (exifData, bool) {
	for bytes.HasPrefix(data, []byte(EXIFPrefix)) {
		data = data[len(EXIFPrefix):]
	}
	switch {
	case len(data) < 8:
	case bytes.HasPrefix(data, []byte("II*\x00")):
		return exifData{binary.LittleEndian, data}, true
	case bytes.HasPrefix(data, []byte("MM\x00*")):
		return exifData{binary.BigEndian, data}, true
	}
	return exifData{}, false
}

// first returns where the first directory lies.
func (e exifData) first() uint32 { return e.Uint32(e.data[4:]) }

// find returns the type and the value of a tag in the directory at an offset,
// as it is stored; or nil.
func (e exifData) find(directory uint32, tag uint16) (kind uint16, count uint32, value []byte) {
	const entrySize = 12 // tag, type, count, value
	at := int64(directory)
	if at+2 > int64(len(e.data)) {
		return 0, 0, nil
	}
	entries := e.data[at+2:]
	for range e.Uint16(e.data[at:]) {
		if len(entries) < entrySize {
			break
		}
		entry := entries[:entrySize]
		entries = entries[entrySize:]
		if e.Uint16(entry) != tag {
			continue
		}
		kind, count = e.Uint16(entry[2:]), e.Uint32(entry[4:])
		size := int64(count)
		switch kind {
		case exifShort, exifSShort:
			size *= 2
		case exifLong, exifSLong:
			size *= 4
		}
		if size <= 4 {
			return kind, count, entry[8 : 8+size]
		}
		if start := int64(e.Uint32(entry[8:])); start+size <= int64(len(e.data)) {
			return kind, count, e.data[start : start+size]
		}
		break
	}
	return 0, 0, nil
}

// number returns the value of a tag that is one number, or 0.
func (e exifData) number(directory uint32, tag uint16) uint32 {
	kind, count, value := e.find(directory, tag)
	switch {
	case count != 1 || value == nil:
		return 0
	case kind == exifShort || kind == exifSShort:
		return uint32(e.Uint16(value))
	case kind == exifLong || kind == exifSLong:
		return e.Uint32(value)
	}
	return 0
}

// texts returns the texts that programs keep in EXIF data: a user comment, which
// is the web UIs' parameters, and others that begin with their keyword and a
// colon, as ComfyUI has them.
func (e exifData) texts() (texts []Text) {
	if exif := e.number(e.first(), tagExif); exif != 0 {
		if _, _, comment := e.find(exif, tagUserComment); len(comment) > 0 {
			if text := e.userComment(comment); text != "" {
				texts = append(texts, Text{ParametersKey, text})
			}
		}
	}
	for _, tag := range []uint16{tagDescription, tagMake, tagModel} {
		kind, _, value := e.find(e.first(), tag)
		if kind != exifASCII {
			continue
		}
		text := strings.TrimRight(string(value), "\x00")
		if keyword, rest, ok := strings.Cut(text, ":"); ok && isKeyword(keyword) {
			texts = append(texts, Text{keyword, rest})
		} else if tag == tagDescription && text != "" {
			texts = append(texts, Text{"description", text})
		}
	}
	return texts
}

// isKeyword tells the name of a text from the begin of a sentence.
func isKeyword(s string) bool {
	if s == "" || len(s) > 79 { // the most that PNG allows
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' && r != '.'
	})
}

// userComment decodes a comment, which begins with the name of its encoding.
func (e exifData) userComment(comment []byte) string {
	const prefixSize = 8
	if len(comment) < prefixSize {
		return strings.ToValidUTF8(string(comment), "")
	}
	prefix, rest := string(comment[:prefixSize]), comment[prefixSize:]
	var text string
	switch prefix {
	case unicodePrefix:
		text = decodeUTF16(rest, e.ByteOrder)
	case "ASCII\x00\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x00", "JIS\x00\x00\x00\x00\x00":
		text = strings.ToValidUTF8(string(rest), "")
	default:
		text = strings.ToValidUTF8(string(comment), "")
	}
	return strings.TrimRight(text, "\x00")
}

// decodeUTF16 decodes UTF-16 of either order. Programs differ about it: some
// write big endian always, some the order of the EXIF data. A mark at the start
// tells, else which order has more Latin letters, else the EXIF data's.
func decodeUTF16(data []byte, order binary.ByteOrder) string {
	other := binary.ByteOrder(binary.BigEndian)
	if order == other {
		other = binary.LittleEndian
	}
	units := func(order binary.ByteOrder) (list []uint16, latin int) {
		for d := data; len(d) >= 2; d = d[2:] {
			v := order.Uint16(d)
			list = append(list, v)
			if v >= ' ' && v < utf8.RuneSelf || v == '\n' {
				latin++
			}
		}
		return list, latin
	}
	list, latin := units(order)
	if others, n := units(other); n > latin || len(others) > 0 && others[0] == 0xfeff {
		list = others
	}
	return strings.TrimPrefix(string(utf16.Decode(list)), "\ufeff")
}

// EncodeEXIF returns EXIF data with texts: that of ParametersKey as a user
// comment, where the web UIs look for it, and up to three others with their
// keyword before them.
func EncodeEXIF(texts []Text) []byte {
	const headerSize, countSize, entrySize, nextSize = 8, 2, 12, 4
	type entry struct {
		tag, kind uint16
		value     []byte
	}
	var first, second []entry
	free := []uint16{tagDescription, tagMake, tagModel}
	for _, t := range texts {
		if t.Keyword == ParametersKey {
			value := []byte(unicodePrefix)
			for _, u := range utf16.Encode([]rune(t.Text)) {
				value = binary.BigEndian.AppendUint16(value, u)
			}
			second = append(second, entry{tagUserComment, exifUndefined, value})
			continue
		}
		if len(free) == 0 {
			break
		}
		first = append(first, entry{free[0], exifASCII, []byte(t.Keyword + ":" + t.Text + "\x00")})
		free = free[1:]
	}
	sizeOf := func(n int) int { return countSize + n*entrySize + nextSize }
	if second != nil {
		first = append(first, entry{tag: tagExif, kind: exifLong})
	}
	order := binary.BigEndian
	out := order.AppendUint32([]byte("MM\x00*"), headerSize)
	at := headerSize + sizeOf(len(first))
	if second != nil {
		slices.SortFunc(first, func(a, b entry) int { return int(a.tag) - int(b.tag) })
		at += sizeOf(len(second))
	}
	var values []byte
	for i, list := range [][]entry{first, second} {
		if list == nil {
			continue
		}
		out = order.AppendUint16(out, uint16(len(list)))
		for _, e := range list {
			out = order.AppendUint16(order.AppendUint16(out, e.tag), e.kind)
			switch {
			case i == 0 && e.tag == tagExif:
				out = order.AppendUint32(order.AppendUint32(out, 1), uint32(headerSize+sizeOf(len(first))))
			case len(e.value) <= 4:
				out = append(order.AppendUint32(out, uint32(len(e.value))), append(e.value, 0, 0, 0, 0)[:4]...)
			default:
				out = order.AppendUint32(order.AppendUint32(out, uint32(len(e.value))), uint32(at+len(values)))
				values = append(values, e.value...)
				values = append(values, make([]byte, len(values)%2)...)
			}
		}
		out = order.AppendUint32(out, 0)
	}
	return append(out, values...)
}
