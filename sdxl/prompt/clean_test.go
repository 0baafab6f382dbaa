package prompt

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/clip/tokenizer"
)

// TestControls: those that ftfy names go, by its documentation: U+0000 to 0008, 000B, 000E to
// 001F, 007F, 206A to 206F, FEFF, FFF9 to FFFC. An escape is looked at later.
func TestControls(t *testing.T) {
	gone := func(r rune) bool {
		return r <= 8 || r == 0xb || r >= 0xe && r <= 0x1f && r != 0x1b || r == 0x7f || r >= 0x206a && r <= 0x206f || r == 0xfeff || r >= 0xfff9 && r <= 0xfffc
	}
	for r := rune(0); r < 0x11000; r++ {
		want := r
		if gone(r) {
			want = -1
		}
		require.Equal(t, want, uncontrolled(r), "%U", r)
	}
}

// TestHalvesOfUTF16: pairs of surrogates in UTF-8 are one character, one alone is lost, and a cut one is none.
func TestHalvesOfUTF16(t *testing.T) {
	for text, want := range map[string]string{
		"\xed\xa0\x80\xed\xb0\x80": "\U00010000", "\xed\xaf\xbf\xed\xbf\xbf": "\U0010ffff", "a\xed\xa0\xbd\xed\xb8\x80b": "a\U0001f600b",
		"\xed\xa0\x80": "\ufffd", "\xed\xaf\xbf": "\ufffd", "\xed\xb0\x80": "\ufffd", "\xed\xbf\xbf": "\ufffd", "\xed\xb0\x80\xed\xa0\x80": "\ufffd\ufffd", "\xed\xa0\x80\xed\xa0\x80": "\ufffd\ufffd", "\xed\xa0\x80a": "\ufffda",
		"\xed\x9f\xbf": "\ud7ff", "\xc0\x80": "\x00", "a\xc0\x80": "a\x00",
	} {
		got, ok := decodeUTF8([]byte(text))
		require.True(t, ok, "%q", text)
		require.Equal(t, want, got, "%q", text)
	}
	for _, text := range []string{"\xed", "\xed\xa0", "\xed\xa0\x7f", "\xed\xa0\xc0", "\xc0", "\xc0\x81", "\xc0\x7f", "\xff", "\xed\xa0\x80\xff", "a\xc1\x80"} {
		_, ok := decodeUTF8([]byte(text))
		require.False(t, ok, "%q", text)
	}
}

// TestWordsInTexts: where each language finds them, the longest first, and not inside of names.
func TestWordsInTexts(t *testing.T) {
	tok := tokenizer.CLIPL()
	words := []Word{{Name: "cat", Token: "<cat>", First: -1, Count: 2}, {Name: "cat-2", Token: "<cat>2", First: -10, Count: 1}}
	ids := func(s Syntax, text string) (list []int32) {
		for _, id := range s.ChunksOf(tok, text, words)[0].IDs {
			if id < 0 {
				list = append(list, id)
			}
		}
		return list
	}
	for text, want := range map[string][]int32{
		"embedding:cat": {-1, -2}, "embedding:catx": nil, "embedding:cat_": nil, "embedding:cat9": nil, "embedding:cat.": {-1, -2}, "embedding:catx embedding:cat": {-1, -2}, "embedding:catx a embedding:caty b embedding:cat": {-1, -2},
		"embedding:cat-2": {-10}, "embedding:cat-2 embedding:cat": {-10, -1, -2}, "embedding:cat embedding:cat": {-1, -2, -1, -2}, "cat": nil, "": nil,
	} {
		require.Equal(t, want, ids(Comfy, text), text)
	}
	for text, want := range map[string][]int32{"<cat>": {-1, -2}, "a <cat> b": {-1, -2}, "<cat>2": {-10}, "<cat>2 <cat>": {-10, -1, -2}, "cat": nil} {
		require.Equal(t, want, ids(Plain, text), text)
	}
	for text, want := range map[string][]int32{"cat": {-1, -2}, "a cat b": {-1, -2}, "cat-2": {-10}, "cat cat-2": {-1, -2, -10}, "cats": nil} {
		require.Equal(t, want, ids(A1111, text), text)
	}
	require.Equal(t, 1, together(tok, 5))
	require.Equal(t, 2, together(A1111.knowing(tok, words), -1))
	require.Equal(t, 1, together(A1111.knowing(tok, words), -2))
	require.Equal(t, 1, together(A1111.knowing(tok, words), -10))
}
