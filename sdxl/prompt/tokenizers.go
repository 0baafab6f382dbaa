package prompt

import "github.com/df65613c/easel/clip/tokenizer"

// The marks of start and end as they can be written in a text.
var (
	openCLIPMarks = [2]string{"<start_of_text>", "<end_of_text>"}
	clipMarks     = [2]string{"<|startoftext|>", "<|endoftext|>"}
)

// read returns a tokenizer of the model as the program of the language has it.
// In both web UIs the padding of the second, "!", is text where it is written;
// in AUTOMATIC1111's the second is open_clip's, and texts are cleaned before.
func (s Syntax) read(t Tokenizer) Tokenizer {
	second := t.Pad() != t.EOS()
	marks := clipMarks
	if s == A1111 {
		marks = openCLIPMarks
	}
	if own, ok := t.(*tokenizer.Tokenizer); ok && second && (s == A1111 || s == Comfy) {
		t = own.WithMarks(map[string]int32{marks[0]: t.BOS(), marks[1]: t.EOS()})
	}
	if s == A1111 {
		return cleaning{t, second}
	}
	return t
}

// cleaning is a tokenizer that cleans texts first.
type cleaning struct {
	Tokenizer
	second bool
}

func (c cleaning) EncodeBare(text string) []int32 {
	return c.Tokenizer.EncodeBare(cleaned(text, c.second))
}
