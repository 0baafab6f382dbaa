package serve

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/df65613c/easel/sdxl/request"

	"github.com/df65613c/easel/internal/strictjson"
)

// embeddingRequest is a request of OpenAI's embeddings API.
type embeddingRequest struct {
	Input          json.RawMessage `json:"input"` // a text or a list of texts
	Model          string          `json:"model"`
	EncodingFormat string          `json:"encoding_format"` // float, or base64 of little-endian float32
	Dimensions     *int            `json:"dimensions"`      // that many of the first numbers, made of length 1 anew
	User           string          `json:"user"`
}

const (
	maxTexts      = 64
	maxTextLength = 10000
)

type embedding struct {
	Object    string `json:"object"`
	Index     int    `json:"index"`
	Embedding any    `json:"embedding"`
}

// embeddings answers with the second text encoder's pooled embeddings, the
// projection in which CLIP compares texts with pictures. They are of length 1,
// as OpenAI's are.
func (s *Server) embeddings(w http.ResponseWriter, r *http.Request) error {
	var data []byte
	err := s.readBody(w, func() (err error) {
		data, err = readAll(r)
		return err
	})
	if err != nil {
		return err
	}
	q, texts, err := parseEmbeddings(data, s.model.Dimensions())
	if err != nil {
		return err
	}
	var rows [][]float32
	var tokens int
	err = s.inTurn(r.Context(), func() {}, func(ctx context.Context) (err error) {
		rows, tokens, err = s.model.Embed(ctx, texts)
		return err
	})
	if err != nil {
		return err
	}
	list := make([]embedding, len(rows))
	for i, row := range rows {
		if q.Dimensions != nil {
			row = row[:*q.Dimensions]
		}
		row = unit(row)
		list[i] = embedding{"embedding", i, row}
		if q.EncodingFormat == "base64" {
			list[i].Embedding = littleEndian(row)
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"object": "list", "data": list, "model": q.Model, "usage": map[string]int{"prompt_tokens": tokens, "total_tokens": tokens},
	})
	return nil
}

// parseEmbeddings reads a request to a model whose embeddings are of a number of dimensions.
func parseEmbeddings(data []byte, dimensions int) (*embeddingRequest, []string, error) {
	q := new(embeddingRequest)
	var e request.Error
	for _, f := range strictjson.Decode(data, q) {
		e.Violations = append(e.Violations, request.Violation(f))
	}
	texts := q.texts(&e)
	add := func(field, format string, args ...any) {
		e.Violations = append(e.Violations, request.Violation{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	if !slices.Contains([]string{"", "float", "base64"}, q.EncodingFormat) {
		add("encoding_format", "is %.40q, want float or base64", q.EncodingFormat)
	}
	if d := q.Dimensions; d != nil && (*d < 1 || *d > dimensions) {
		add("dimensions", "is %d, want 1 to %d", *d, dimensions)
	}
	if e.Violations != nil {
		return nil, nil, &e
	}
	return q, texts, nil
}

// unit returns a row made of length 1; one of zeros stays.
func unit(row []float32) []float32 {
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

// texts reads the input.
func (q *embeddingRequest) texts(e *request.Error) []string {
	add := func(field, format string, args ...any) {
		e.Violations = append(e.Violations, request.Violation{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	var one string
	var texts []string
	if json.Unmarshal(q.Input, &one) == nil && q.Input != nil {
		texts = []string{one}
	} else if q.Input == nil || json.Unmarshal(q.Input, &texts) != nil {
		if !slices.ContainsFunc(e.Violations, func(v request.Violation) bool { return v.Field == "body" }) {
			add("input", "is %.40q, want a text or a list of texts", string(q.Input))
		}
		return nil
	}
	if len(texts) < 1 || len(texts) > maxTexts {
		add("input", "has %d texts, want 1 to %d", len(texts), maxTexts)
		return nil
	}
	for i, text := range texts {
		if n := utf8.RuneCountInString(text); n < 1 || n > maxTextLength {
			add(fmt.Sprintf("input[%d]", i), "has %d characters, want 1 to %d", n, maxTextLength)
		}
	}
	return texts
}

func littleEndian(row []float32) []byte {
	b := make([]byte, 0, 4*len(row))
	for _, v := range row {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}
