package serve

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/elnormous/contenttype"
)

// answer is how a client wants the pictures.
type answer int

const (
	asJSON answer = iota
	asPicture
	asEvents
)

// answers are the media types of answers, the one first that clients get who
// take any.
var answers = []contenttype.MediaType{
	asJSON:    contenttype.NewMediaType("application/json"),
	asPicture: contenttype.NewMediaType("image/png"),
	asEvents:  contenttype.NewMediaType("text/event-stream"),
}

// answerFor reads the header Accept (RFC 9110, section 12.5.1).
func answerFor(r *http.Request) (answer, error) {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return asJSON, nil
	}
	kind, _, err := contenttype.GetAcceptableMediaTypeFromHeader(accept, answers)
	switch {
	case errors.Is(err, contenttype.ErrNoAcceptableTypeFound):
		return 0, &fault{status: http.StatusNotAcceptable, Name: "not_acceptable",
			Message: fmt.Sprintf("Accept is %.40q, want one of application/json, image/png, text/event-stream", accept)}
	case err != nil: // old clients of Java send a bare *
		return asJSON, nil
	}
	return answer(slices.IndexFunc(answers, kind.Equal)), nil
}
