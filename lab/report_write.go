//go:build !nodemo

package lab

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"html/template"
	"image/png"
	"io"
	"strings"
)

//go:embed report.html
var reportHTML string

var reportTemplate = template.Must(template.New("report").Parse(reportHTML))

// Write writes the page.
func (r Report) Write(w io.Writer) error {
	page := struct {
		Report
		Plots    []template.HTML
		Pictures []template.URL
	}{Report: r}
	for _, f := range r.Figures {
		var b strings.Builder
		if err := f.Write(&b, "svg"); err != nil {
			return err
		}
		svg := b.String()
		// What gonum writes before the element belongs to a file of its own.
		page.Plots = append(page.Plots, template.HTML(svg[max(strings.Index(svg, "<svg"), 0):]))
	}
	for _, img := range r.Images {
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			return err
		}
		page.Pictures = append(page.Pictures, template.URL("data:image/png;base64,"+base64.StdEncoding.EncodeToString(b.Bytes())))
	}
	return reportTemplate.Execute(w, page)
}
