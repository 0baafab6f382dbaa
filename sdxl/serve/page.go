package serve

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed web
var web embed.FS

// addPage adds the web page and openapi.json: a route for each file, so that
// other paths are known to have none.
func addPage(mux *http.ServeMux) {
	files, err := fs.Sub(web, "web")
	if err != nil {
		panic(err) // the folder is in the program
	}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		panic(err)
	}
	server := http.FileServerFS(files)
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'")
		server.ServeHTTP(w, r)
	})
	mux.Handle("GET /{$}", page)
	for _, e := range entries {
		mux.Handle("GET /"+e.Name(), page)
	}
}
