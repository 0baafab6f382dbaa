package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// errProtobuf says that a message of protocol buffers is damaged.
var errProtobuf = errors.New("is cut short, or no message of protocol buffers")

// eachField calls f with the fields of a message: the number, and the bytes of a
// string or message, or else the bits of a number.
func eachField(message []byte, f func(number int, data []byte, bits uint64) error) error {
	for len(message) > 0 {
		key, n := binary.Uvarint(message)
		if n <= 0 {
			return errProtobuf
		}
		message = message[n:]
		var data []byte
		var bits uint64
		switch key & 7 {
		case 0:
			if bits, n = binary.Uvarint(message); n <= 0 {
				return errProtobuf
			}
		case 1:
			if n = 8; len(message) < n {
				return errProtobuf
			}
			bits = binary.LittleEndian.Uint64(message)
		case 2:
			size, width := binary.Uvarint(message)
			if width <= 0 || size > uint64(len(message)-width) {
				return errProtobuf
			}
			n = width + int(size)
			data = message[width:n]
		case 5:
			if n = 4; len(message) < n {
				return errProtobuf
			}
			bits = uint64(binary.LittleEndian.Uint32(message))
		default:
			return errProtobuf
		}
		message = message[n:]
		if err := f(int(key>>3), data, bits); err != nil {
			return err
		}
	}
	return nil
}

// Kinds of pieces in a model of SentencePiece.
const (
	normalPiece      = 1
	unknownPiece     = 2
	userDefinedPiece = 4
)

// parsePieces reads a model of SentencePiece (sentencepiece_model.proto).
func parsePieces(data []byte) (*pieces, error) {
	p := &pieces{ids: map[string]int32{}, all: map[string]int32{}, unknown: -1, least: math.MaxFloat32, most: -math.MaxFloat32}
	p.normal = sentenceNormalizer{dummyPrefix: true, removeSpaces: true, escapeSpaces: true}
	err := eachField(data, func(number int, data []byte, _ uint64) error {
		switch number {
		case 1:
			return p.addPiece(data)
		case 2:
			return eachField(data, func(number int, _ []byte, bits uint64) error {
				const modelType, unigram = 3, 1
				if number == modelType && bits != unigram {
					return fmt.Errorf("is of model type %d; easel reads unigrams, which are type %d", bits, unigram)
				}
				return nil
			})
		case 3:
			return p.normal.parse(data)
		}
		return nil
	})
	if err == nil && p.unknown < 0 {
		err = errors.New("has no unknown piece")
	}
	return p, err
}

func (p *pieces) addPiece(data []byte) error {
	text, score, kind := "", float32(0), uint64(normalPiece)
	if err := eachField(data, func(number int, data []byte, bits uint64) error {
		switch number {
		case 1:
			text = string(data)
		case 2:
			score = math.Float32frombits(uint32(bits))
		case 3:
			kind = bits
		}
		return nil
	}); err != nil {
		return err
	}
	id := int32(len(p.scores))
	if _, twice := p.all[text]; twice || text == "" {
		return fmt.Errorf("holds the piece %q twice, or an empty one", text)
	}
	p.all[text] = id
	p.scores = append(p.scores, score)
	switch kind {
	case normalPiece:
		p.ids[text] = id
		p.least, p.most = min(p.least, score), max(p.most, score)
	case unknownPiece:
		p.unknown = id
	case userDefinedPiece:
		return fmt.Errorf("holds the piece %q that a user defined; easel reads models without such", text)
	}
	p.longest = max(p.longest, len(text))
	return nil
}
