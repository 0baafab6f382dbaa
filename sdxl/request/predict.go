package request

import (
	"bytes"
	"context"
	"errors"

	"github.com/df65613c/easel/internal/ptr"
	"github.com/df65613c/easel/sdxl"
)

// Response answers a Request in the v1 API's JSON.
type Response struct {
	Result    string     `json:"result"` // success
	Artifacts []Artifact `json:"artifacts"`
	Warnings  []string   `json:"warnings,omitempty"`
}

// Artifact is a picture: a PNG that holds its Parameters.
type Artifact struct {
	PNG          []byte `json:"base64"`
	Seed         int64  `json:"seed"`
	FinishReason string `json:"finishReason"` // SUCCESS
}

// Options adjust how requests are answered. The zero value works.
type Options struct {
	Styles Styles // nil is DefaultStyles
	Limits Limits
	// Progress, if not nil, is called after each step of each sample, from 0.
	Progress func(sample int, p sdxl.Progress)
}

// Predict answers a request. Each sample is a run of its own with the seed after
// the one before, so that a picture can be made again alone from the seed in
// its answer. The error is an *Error
// where the request asks for something that the model or the limits do not allow.
func Predict(ctx context.Context, p *sdxl.Pipeline, r *Request, po Options) (*Response, error) {
	o, err := po.Options(ctx, p.Model(), r)
	if err != nil {
		return nil, err
	}
	o.MostCalls = po.Limits.filled().Calls
	response := &Response{Result: "success", Warnings: o.Warnings(p.Model())}
	for i := range ptr.Or(r.Samples, 1) {
		if po.Progress != nil {
			o.Progress = func(p sdxl.Progress) { po.Progress(i, p) }
		}
		result, err := p.Generate(ctx, o)
		if err != nil {
			return nil, asRequestError(err)
		}
		var png bytes.Buffer
		if err := EncodePNG(&png, result.Images[0], result.Parameters); err != nil {
			return nil, err
		}
		response.Artifacts = append(response.Artifacts, Artifact{png.Bytes(), *o.Seed, "SUCCESS"})
		o.Seed = new(nextSeed(*o.Seed))
	}
	return response, nil
}

// asRequestError is an error of options as one of the request that they came from.
func asRequestError(err error) error {
	var e Error
	var fault *sdxl.FieldError
	if errors.As(err, &fault) {
		err = sdxl.FieldErrors{*fault}
	}
	if e.options(err); e.Violations != nil {
		return &e
	}
	return err
}

// nextSeed passes over 0, which asks for a seed to be drawn.
func nextSeed(seed int64) int64 { return seed%maxSeed + 1 }

// Check returns an *Error that names everything wrong with a request that can be
// found without a model, or nil.
func (po Options) Check(r *Request) error {
	var e Error
	e.merge(r.Validate(po.Limits))
	if styles := po.styles(); r.StylePreset != "" {
		if _, ok := styles.named(r.StylePreset); !ok {
			oneOf(&e, "style_preset", r.StylePreset, styles.Names())
		}
	}
	return e.err()
}

func (po Options) styles() Styles {
	if po.Styles == nil {
		return DefaultStyles()
	}
	return po.Styles
}
