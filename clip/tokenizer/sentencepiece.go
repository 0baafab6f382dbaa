package tokenizer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// pieces is a unigram model of SentencePiece (Kudo, arXiv:1804.10959).
type pieces struct {
	ids         map[string]int32 // of pieces that texts are made of
	all         map[string]int32 // and of marks
	scores      []float32
	longest     int // bytes
	unknown     int32
	least, most float32 // scores
	normal      sentenceNormalizer
}

// unknownPenalty is how much less than the least score a letter has that no piece holds.
const unknownPenalty = 10

// encode cuts a text into pieces of the greatest sum of scores. Unknown letters
// that follow one another are one piece.
func (p *pieces) encode(text string) (list []string) {
	text = p.normal.normalize(text)
	type node struct {
		score float32
		from  int
		known bool
		set   bool
	}
	best := make([]node, len(text)+1) // of what ends there
	best[0].set = true
	for at := 0; at < len(text); {
		_, letter := utf8.DecodeRuneInString(text[at:])
		here, single := best[at].score, false
		offer := func(end int, score float32, known bool) {
			if b := &best[end]; !b.set || here+score > b.score {
				*b = node{here + score, at, known, true}
			}
		}
		for end := at; end < len(text) && end-at < p.longest; {
			_, n := utf8.DecodeRuneInString(text[end:])
			end += n
			if id, ok := p.ids[text[at:end]]; ok {
				offer(end, p.scores[id], true)
				single = single || end-at == letter
			}
		}
		if !single {
			offer(at+letter, p.least-unknownPenalty, false)
		}
		at += letter
	}
	var ends []int
	for end := len(text); end > 0; end = best[end].from {
		ends = append(ends, end)
	}
	wasKnown := true
	for i := len(ends) - 1; i >= 0; i-- {
		b := best[ends[i]]
		piece := text[b.from:ends[i]]
		if !b.known && !wasKnown {
			list[len(list)-1] += piece
		} else {
			list = append(list, piece)
		}
		wasKnown = b.known
	}
	return list
}

// id returns the id of a piece, or the unknown one's.
func (p *pieces) id(piece string) int32 {
	if id, ok := p.all[piece]; ok {
		return id
	}
	return p.unknown
}

// sentenceNormalizer rewrites texts by a table before they are cut.
type sentenceNormalizer struct {
	trie                                    []uint32 // a double array, as Darts has it
	texts                                   []byte   // what prefixes become, each with a 0 behind
	dummyPrefix, removeSpaces, escapeSpaces bool
}

// parse reads a NormalizerSpec.
func (n *sentenceNormalizer) parse(data []byte) error {
	return eachField(data, func(number int, data []byte, bits uint64) error {
		switch number {
		case 2:
			return n.parseTable(data)
		case 3:
			n.dummyPrefix = bits != 0
		case 4:
			n.removeSpaces = bits != 0
		case 5:
			n.escapeSpaces = bits != 0
		}
		return nil
	})
}

func (n *sentenceNormalizer) parseTable(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	if len(data) < 4 {
		return errProtobuf
	}
	size := int64(binary.LittleEndian.Uint32(data))
	if data = data[4:]; size%4 != 0 || size == 0 || size > int64(len(data)) {
		return errors.New("holds a damaged table of letters")
	}
	n.trie = make([]uint32, size/4)
	for i := range n.trie {
		n.trie[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	n.texts = data[size:]
	for text := range bytes.SplitSeq(n.texts, []byte{0}) {
		if len(text) > longestLetter {
			return fmt.Errorf("holds a table of letters in which one becomes %d bytes, want at most %d", len(text), longestLetter)
		}
	}
	return nil
}

// longestLetter bounds what a letter becomes, so that a text does not grow out of
// proportion; of Unicode's own forms none is longer than 33 bytes.
const longestLetter = 256

// prefix returns what the longest prefix of a text that the table knows becomes,
// and its length; else the first letter.
func (n *sentenceNormalizer) prefix(text string) (string, int) {
	length, value := 0, uint32(0)
	if len(n.trie) > 0 {
		offset := func(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }
		at := offset(n.trie[0])
		for i := range len(text) {
			c := uint32(text[i])
			if at ^= c; at >= uint32(len(n.trie)) {
				break
			}
			unit := n.trie[at]
			if unit&(1<<31|0xff) != c {
				break
			}
			if at ^= offset(unit); at >= uint32(len(n.trie)) {
				break
			}
			if unit>>8&1 == 1 {
				length, value = i+1, n.trie[at]&(1<<31-1)
			}
		}
	}
	if length == 0 {
		_, size := utf8.DecodeRuneInString(text)
		return text[:size], size
	}
	if int64(value) >= int64(len(n.texts)) {
		return "", length
	}
	to := n.texts[value:]
	if end := bytes.IndexByte(to, 0); end >= 0 {
		to = to[:end]
	}
	return string(to), length
}

// normalize rewrites a text, which must be valid UTF-8.
func (n *sentenceNormalizer) normalize(text string) string {
	if n.removeSpaces {
		for text != "" {
			to, size := n.prefix(text)
			if to != " " {
				break
			}
			text = text[size:]
		}
	}
	if text == "" {
		return ""
	}
	space := " "
	if n.escapeSpaces {
		space = spaceMark
	}
	var b strings.Builder
	if n.dummyPrefix {
		b.WriteString(space)
	}
	afterSpace := n.removeSpaces
	for text != "" {
		to, size := n.prefix(text)
		text = text[size:]
		if afterSpace {
			to = strings.TrimLeft(to, " ")
		}
		if to != "" {
			b.WriteString(strings.ReplaceAll(to, " ", space))
			afterSpace = strings.HasSuffix(to, " ")
		}
		afterSpace = afterSpace && n.removeSpaces
	}
	out := b.String()
	if n.removeSpaces {
		for strings.HasSuffix(out, space) {
			out = strings.TrimSuffix(out, space)
		}
	}
	return out
}
