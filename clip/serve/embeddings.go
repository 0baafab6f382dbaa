package serve

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/imagefile"
	"github.com/df65613c/easel/internal/openai"
	"github.com/df65613c/easel/internal/strictjson"
)

// request is one of OpenAI's embeddings API; modality is infinity's.
type request struct {
	Input          json.RawMessage `json:"input"`           // a text or a data URI, or a list of them
	Model          string          `json:"model"`           // what the answer calls the model; "" is Options.Name
	Modality       string          `json:"modality"`        // text or image
	EncodingFormat string          `json:"encoding_format"` // float, or base64 of little-endian float32
	Dimensions     *int            `json:"dimensions"`      // how many of the first numbers to give, scaled to length 1
	User           string          `json:"user"`
}

const (
	maxInputs   = 2048 // as OpenAI has it
	maxTextSize = 1 << 16
	maxTexts    = 4 << 20 // bytes of all of a request
	maxName     = 200     // of a model
)

// pictureLimits bound the pictures of a client.
var pictureLimits = imagefile.Limits{Pixels: 1 << 26, Side: 1<<16 - 1, Memory: 1 << 29}

// embeddings answers with vectors of texts or of pictures.
func (h *Handler) embeddings(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return h.checkBody(w, err)
	}
	wasRead(w)
	q, inputs, err := parse(body, h.Model.Dim())
	if err != nil {
		return err
	}
	client := h.client(r)
	var rows [][]float32
	tokens := 0
	if q.Modality == "image" {
		rows, err = h.images(r.Context(), client, inputs)
	} else {
		rows, tokens, err = h.texts(r.Context(), client, inputs)
	}
	if err != nil {
		return err
	}
	if q.Dimensions != nil {
		for i, row := range rows {
			rows[i] = openai.Unit(row[:*q.Dimensions])
		}
	}
	answer(w, http.StatusOK, openai.NewEmbeddings(cmp.Or(q.Model, h.Name), rows, tokens, q.EncodingFormat))
	return nil
}

// parse reads a request to a model whose vectors have a given number of dimensions.
func parse(body []byte, dim int) (*request, []string, error) {
	q := new(request)
	if faults := strictjson.Decode(body, q); len(faults) > 0 {
		return nil, nil, refuse(faults[0].Field, "%s", faults[0].Message)
	}
	if len(q.Model) > maxName {
		return nil, nil, refuse("model", "has %d bytes, want at most %d", len(q.Model), maxName)
	}
	if !slices.Contains([]string{"", "text", "image"}, q.Modality) {
		return nil, nil, refuse("modality", "is %.40q, want text or image", q.Modality)
	}
	if !slices.Contains(openai.EmbeddingFormats, q.EncodingFormat) {
		return nil, nil, refuse("encoding_format", "is %.40q, want float or base64", q.EncodingFormat)
	}
	if d := q.Dimensions; d != nil && (*d < 1 || *d > dim) {
		return nil, nil, refuse("dimensions", "is %d, want 1 to %d", *d, dim)
	}
	var inputs []string
	var one *string
	switch {
	case q.Input == nil:
		return nil, nil, refuse("input", "is missing, want a text or a list of texts")
	case json.Unmarshal(q.Input, &one) == nil && one != nil:
		inputs = []string{*one}
	case json.Unmarshal(q.Input, &inputs) != nil:
		return nil, nil, refuse("input", "is %.40q, want a text or a list of texts; easel takes no ids of tokens", string(q.Input))
	}
	if len(inputs) < 1 || len(inputs) > maxInputs {
		return nil, nil, refuse("input", "has %d entries, want 1 to %d", len(inputs), maxInputs)
	}
	return q, inputs, nil
}

// lacking turns an error of a missing tower into the client's.
func lacking(err error) error { return &fault{http.StatusBadRequest, "modality", err.Error()} }

func (h *Handler) texts(ctx context.Context, client string, texts []string) (rows [][]float32, tokens int, err error) {
	if !h.Model.HasText() {
		return nil, 0, lacking(clip.ErrNoText)
	}
	all := 0
	for i, text := range texts {
		if len(text) > maxTextSize {
			return nil, 0, refuse(fmt.Sprintf("input[%d]", i), "has %d bytes, want at most %d", len(text), maxTextSize)
		}
		all += len(text)
	}
	if all > maxTexts {
		return nil, 0, refuse("input", "has texts of %d bytes, want at most %d", all, maxTexts)
	}
	if err := h.turn(ctx, h.reading, client, func() error {
		for _, text := range texts {
			n, _, err := h.Model.TextTokens(text)
			if err = cmp.Or(err, ctx.Err()); err != nil {
				return err
			}
			tokens += n
		}
		return nil
	}); err != nil {
		return nil, 0, err
	}
	rows, err = h.Model.EmbedTexts(ctx, texts)
	return rows, tokens, err
}

// images decodes data URIs and takes the pictures to vectors.
func (h *Handler) images(ctx context.Context, client string, uris []string) ([][]float32, error) {
	if !h.Model.HasImages() {
		return nil, lacking(clip.ErrNoImage)
	}
	rows, errs := make([][]float32, len(uris)), make([]error, len(uris))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	places := make(chan struct{}, picturesAtOnce)
	for i, uri := range uris {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			rows[i], errs[i] = h.picture(ctx, client,
				func() (image.Image, error) { return decodeURI(ctx, fmt.Sprintf("input[%d]", i), uri) })
			if errs[i] != nil {
				cancel()
			}
		})
	}
	all.Wait()
	var first error
	for _, err := range errs {
		if f, ok := err.(*fault); ok { // others may be only that they were cancelled
			return nil, f
		}
		if first == nil {
			first = err
		}
	}
	return rows, first
}

// picture takes a picture to its vector. It is decoded when it is the client's turn.
func (h *Handler) picture(ctx context.Context, client string, decode func() (image.Image, error)) (row []float32, err error) {
	err = h.turn(ctx, h.pictures, client, func() error {
		ticket, err := h.reading.Join(client)
		if err == nil {
			err = ticket.Wait(ctx)
		}
		if err != nil {
			return err
		}
		read := sync.OnceFunc(ticket.Leave)
		defer read()
		row, err = h.Model.EmbedImageFrom(ctx, func() (image.Image, error) {
			defer read()
			return decode()
		})
		return err
	})
	return row, err
}

// decodeURI decodes a picture from data:image/...;base64,...
func decodeURI(ctx context.Context, field, uri string) (image.Image, error) {
	kind, encoded, ok := strings.Cut(uri, ",")
	if !ok || !strings.HasPrefix(kind, "data:") || !strings.HasSuffix(kind, ";base64") {
		return nil, refuse(field, "is %.40q, want a picture as data:image/...;base64,...; easel fetches nothing", uri)
	}
	bytes, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, refuse(field, "is no base64: %v", err)
	}
	img, err := imagefile.DecodeAlpha(ctx, bytes, pictureLimits)
	if err != nil {
		return nil, refuse(field, "%v", err)
	}
	return img, nil
}
