package tokenizer

import (
	"encoding/json"
	"strings"
)

// CLIPFiles returns the files of a folder with CLIP's own tokenizer, by name,
// as Hugging Face publishes it. Texts are padded with pad: <|endoftext|> for
// the ViT-L encoder, "!" for the OpenCLIP bigG one.
func CLIPFiles(pad string) (map[string][]byte, error) {
	m := clipModel()
	vocab, err := json.Marshal(m.vocab)
	if err != nil {
		return nil, err
	}
	config, err := json.MarshalIndent(map[string]any{
		"tokenizer_class": "CLIPTokenizer", "model_max_length": clipLength,
		"bos_token": startOfText, "eos_token": endOfText, "unk_token": endOfText, "pad_token": pad,
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	var merges strings.Builder
	merges.WriteString("#version: 0.2\n")
	for _, p := range m.merges {
		merges.WriteString(p[0] + " " + p[1] + "\n")
	}
	return map[string][]byte{vocabFile: vocab, mergesFile: []byte(merges.String()), configFile: config}, nil
}
