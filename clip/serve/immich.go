package serve

import (
	"encoding/json"
	"errors"
	"image"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/imagefile"
)

// entries are what Immich asks for: one model of one task. The model's name is
// not looked at, for there is one.
type entries struct {
	CLIP *struct {
		Visual  *entry `json:"visual"`
		Textual *entry `json:"textual"`
	} `json:"clip"`
}

type entry struct {
	ModelName string         `json:"modelName"`
	Options   map[string]any `json:"options"`
}

// immichAnswer has the vector as text, and the size of a picture.
type immichAnswer struct {
	CLIP   string `json:"clip"`
	Height *int   `json:"imageHeight,omitempty"`
	Width  *int   `json:"imageWidth,omitempty"`
}

// predict answers a request of Immich's server, a form with the parts entries
// and image or text.
func (h *Handler) predict(w http.ResponseWriter, r *http.Request) error {
	parts, err := h.form(w, r)
	if err != nil {
		return err
	}
	wasRead(w)
	var e entries
	switch given, ok := parts["entries"]; {
	case !ok:
		return refuse("entries", "is missing, want {\"clip\": {\"visual\" or \"textual\": {\"modelName\": ...}}}")
	case json.Unmarshal(given, &e) != nil || e.CLIP == nil || (e.CLIP.Visual == nil) == (e.CLIP.Textual == nil):
		return refuse("entries", "is %.200q, want {\"clip\": {\"visual\" or \"textual\": {\"modelName\": ...}}}; easel has no other tasks", string(given))
	}
	var a immichAnswer
	var vector []float32
	if e.CLIP.Textual != nil {
		text, ok := parts["text"]
		if !ok {
			return refuse("text", "is missing")
		}
		rows, _, err := h.texts(r.Context(), h.client(r), []string{string(text)})
		if err != nil {
			return err
		}
		vector = rows[0]
	} else {
		picture, ok := parts["image"]
		switch {
		case !ok:
			return refuse("image", "is missing")
		case !h.Model.HasImages():
			return lacking(clip.ErrNoImage)
		}
		vector, err = h.picture(r.Context(), h.client(r), func() (image.Image, error) {
			img, err := imagefile.DecodeAlpha(r.Context(), picture, pictureLimits)
			if err != nil {
				return nil, refuse("image", "%v", err)
			}
			size := img.Bounds().Size()
			a.Width, a.Height = &size.X, &size.Y
			return img, nil
		})
		if err != nil {
			return err
		}
	}
	list, err := json.Marshal(vector)
	if err != nil {
		return err
	}
	a.CLIP = string(list)
	answer(w, http.StatusOK, a)
	return nil
}

// form reads the parts of a form that Immich sends.
func (h *Handler) form(w http.ResponseWriter, r *http.Request) (map[string][]byte, error) {
	reader, err := r.MultipartReader()
	if err != nil {
		return nil, refuse("body", "is no multipart form: %.200v", err)
	}
	parts := make(map[string][]byte)
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return parts, nil
		}
		if err != nil {
			return nil, h.checkBody(w, err)
		}
		name := part.FormName()
		if _, twice := parts[name]; twice || name != "entries" && name != "image" && name != "text" {
			return nil, refuse("body", "has the part %.40q, which is not one of entries, image and text, or is there twice", name)
		}
		if parts[name], err = readPart(part); err != nil {
			return nil, h.checkBody(w, err)
		}
	}
}

func readPart(p *multipart.Part) ([]byte, error) {
	defer p.Close()
	return io.ReadAll(p)
}
