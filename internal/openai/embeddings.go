// Package openai holds the answers that both servers give in the form of
// OpenAI's API.
package openai

import (
	"encoding/binary"
	"math"
)

// EmbeddingFormats are the values of a request's encoding_format; "" is float.
var EmbeddingFormats = []string{"", "float", "base64"}

// Embeddings is the answer to a request for embeddings.
type Embeddings struct {
	Object string      `json:"object"`
	Data   []Embedding `json:"data"`
	Model  string      `json:"model"`
	Usage  Usage       `json:"usage"`
}

// Embedding is one vector: numbers, or the bytes of little-endian float32,
// which are base64 in JSON.
type Embedding struct {
	Object    string `json:"object"`
	Index     int    `json:"index"`
	Embedding any    `json:"embedding"`
}

// Usage counts the tokens of a request.
type Usage struct {
	PromptTokens int `json:"prompt_tokens"`
	TotalTokens  int `json:"total_tokens"`
}

// NewEmbeddings returns the answer of a model that made rows from inputs with a
// total number of tokens. Format is one of EmbeddingFormats.
func NewEmbeddings(model string, rows [][]float32, tokens int, format string) Embeddings {
	list := make([]Embedding, len(rows))
	for i, row := range rows {
		list[i] = Embedding{"embedding", i, row}
		if format == "base64" {
			list[i].Embedding = littleEndian(row)
		}
	}
	return Embeddings{"list", list, model, Usage{tokens, tokens}}
}

// Unit returns a vector scaled to length 1. A vector of zeros stays.
func Unit(row []float32) []float32 {
	sum := 0.0
	for _, v := range row {
		sum += float64(v) * float64(v)
	}
	if sum == 0 {
		return row
	}
	length := math.Sqrt(sum)
	out := make([]float32, len(row))
	for i, v := range row {
		out[i] = float32(float64(v) / length)
	}
	return out
}

func littleEndian(row []float32) []byte {
	b := make([]byte, 0, 4*len(row))
	for _, v := range row {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}
