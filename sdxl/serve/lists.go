package serve

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/df65613c/easel/internal/openai"
	"github.com/df65613c/easel/sched"
)

type engine struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        string `json:"type"`
}

// listEngines answers with the names that the model has in paths.
func (s *Server) listEngines(w http.ResponseWriter, _ *http.Request) error {
	list := make([]engine, len(s.options.Engines))
	for i, id := range s.options.Engines {
		list[i] = engine{id, id, "Stable Diffusion XL, by easel", "PICTURE"}
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

// listStyles answers with the names that requests may give.
func (s *Server) listStyles(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string][]string{
		"style_presets": s.options.Styles.Names(), "samplers": sched.SamplerNames(),
		"sampler_aliases": sched.SamplerAliases(), "schedules": sched.ScheduleNames(),
	})
	return nil
}

// listModels answers with the same names as OpenAI's API lists them.
func (s *Server) listModels(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, openai.NewModels(s.options.Engines, s.since))
	return nil
}

func (s *Server) showModel(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("model")
	if !slices.Contains(s.options.Engines, id) {
		return &fault{status: http.StatusNotFound, Name: "not_found",
			Message: fmt.Sprintf("no model %.40q; there are %s", id, strings.Join(s.options.Engines, ", "))}
	}
	writeJSON(w, http.StatusOK, openai.NewModel(id, s.since))
	return nil
}
