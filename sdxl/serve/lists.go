package serve

import (
	"net/http"

	"github.com/df65613c/easel/sdxl"
)

type engine struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        string `json:"type"`
}

// listEngines answers with the names that the model has in paths.
func (s *Server) listEngines(w http.ResponseWriter, _ *http.Request) error {
	list := make([]engine, len(s.Engines))
	for i, id := range s.Engines {
		list[i] = engine{id, id, "Stable Diffusion XL, by easel", "PICTURE"}
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

// listStyles answers with the names that requests may give.
func (s *Server) listStyles(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string][]string{"style_presets": s.Styles.Names(), "samplers": sdxl.Samplers(), "sampler_aliases": sdxl.SamplerAliases(), "schedules": sdxl.Schedules()})
	return nil
}
