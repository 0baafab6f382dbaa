package serve

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/df65613c/easel/internal/strictjson"
	"github.com/df65613c/easel/sdxl"
)

// embeddingRequest is a request of OpenAI's embeddings API.
type embeddingRequest struct {
	Input          json.RawMessage `json:"input"` // a text or a list of texts
	Model          string          `json:"model"`
	EncodingFormat string          `json:"encoding_format"` // float, or base64 of little-endian float32
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
// projection in which CLIP compares texts with pictures.
func (s *Server) embeddings(w http.ResponseWriter, r *http.Request) error {
	var data []byte
	err := s.readBody(w, r, func() (err error) {
		data, err = io.ReadAll(r.Body)
		return err
	})
	if err != nil {
		return err
	}
	var q embeddingRequest
	var e sdxl.RequestError
	for _, f := range strictjson.Decode(data, &q) {
		e.Violations = append(e.Violations, sdxl.Violation(f))
	}
	texts := q.texts(&e)
	if !slices.Contains([]string{"", "float", "base64"}, q.EncodingFormat) {
		e.Violations = append(e.Violations, sdxl.Violation{Field: "encoding_format", Message: fmt.Sprintf("is %.40q, want float or base64", q.EncodingFormat)})
	}
	if e.Violations != nil {
		return &e
	}
	var rows [][]float32
	var tokens int
	err = s.inTurn(r, func(*ticket) {}, func(ctx context.Context) (err error) {
		rows, tokens, err = s.model.Embed(ctx, texts)
		return err
	})
	if err != nil {
		return err
	}
	list := make([]embedding, len(rows))
	for i, row := range rows {
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

// texts reads the input.
func (q *embeddingRequest) texts(e *sdxl.RequestError) []string {
	add := func(field, format string, args ...any) {
		e.Violations = append(e.Violations, sdxl.Violation{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	var one string
	var texts []string
	if json.Unmarshal(q.Input, &one) == nil && q.Input != nil {
		texts = []string{one}
	} else if q.Input == nil || json.Unmarshal(q.Input, &texts) != nil {
		if !slices.ContainsFunc(e.Violations, func(v sdxl.Violation) bool { return v.Field == "body" }) {
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
