package serve

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/df65613c/easel/internal/httplimit"
	"github.com/rs/cors"
)

// checkHost refuses requests under another's name where no key is asked for: a
// page whose domain was bound to this machine's address could send them
// (DNS rebinding).
func (s *Server) checkHost(h http.Handler) http.Handler {
	if len(s.keys) > 0 {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !httplimit.OwnHost(r.Host, s.options.Hosts) {
			s.fail(w, r, &fault{status: http.StatusForbidden, Name: "forbidden",
				Message: fmt.Sprintf("this server is not known as %.100q, and no API keys are set; name it with --host, or set keys",
					r.Host)})
			return
		}
		h.ServeHTTP(w, r)
	})
}

// checkOrigin lets pages of other sites ask where Origins names them, and
// refuses what browsers send for others.
func (s *Server) checkOrigin(h http.Handler) http.Handler {
	if slices.Contains(s.options.Origins, "*") {
		return s.cors(h)
	}
	protection := http.NewCrossOriginProtection()
	for _, origin := range s.options.Origins {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			s.options.Logger.Error("this origin is left out", "origin", origin, "error", err)
		}
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &fault{status: http.StatusForbidden, Name: "forbidden",
			Message: "a page of another site asks, which this server does not allow"})
	}))
	h = protection.Handler(h)
	if len(s.options.Origins) > 0 {
		h = s.cors(h)
	}
	return h
}

// CheckOrigin returns an error for what can't be one of Options.Origins.
func CheckOrigin(origin string) error {
	if origin == "*" {
		return nil
	}
	return http.NewCrossOriginProtection().AddTrustedOrigin(origin)
}

func (s *Server) cors(h http.Handler) http.Handler {
	return cors.New(cors.Options{
		AllowedOrigins: s.options.Origins,
		AllowedMethods: []string{http.MethodGet, http.MethodPost},
		AllowedHeaders: []string{"Accept", "Authorization", "Content-Type", "X-API-Key"},
		ExposedHeaders: []string{"Seed", "Finish-Reason", "Retry-After", "X-Request-Id"},
	}).Handler(h)
}
