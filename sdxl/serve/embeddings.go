package serve

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/df65613c/easel/internal/openai"
	"github.com/df65613c/easel/internal/strictjson"
	"github.com/df65613c/easel/sdxl/request"
)

// embeddingRequest is a request of OpenAI's embeddings API.
type embeddingRequest struct {
	Input          json.RawMessage `json:"input"`           // a text or a list of texts
	Model          string          `json:"model"`           // what the answer calls the model; "" is the first of Options.Engines
	EncodingFormat string          `json:"encoding_format"` // float, or base64 of little-endian float32
	Dimensions     *int            `json:"dimensions"`      // how many of the first numbers to give, scaled to length 1
	User           string          `json:"user"`
}

const (
	maxTexts      = 64
	maxTextLength = 10000
)

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
	for i, row := range rows {
		if q.Dimensions != nil {
			row = row[:*q.Dimensions]
		}
		rows[i] = openai.Unit(row)
	}
	writeJSON(w, http.StatusOK, openai.NewEmbeddings(cmp.Or(q.Model, s.options.Engines[0]), rows, tokens, q.EncodingFormat))
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
	if !slices.Contains(openai.EmbeddingFormats, q.EncodingFormat) {
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
