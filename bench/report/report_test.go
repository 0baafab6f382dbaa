package report_test

import (
	"bytes"
	"encoding/xml"
	"image/png"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/bench/report"
)

func TestPlots(t *testing.T) {
	roofline := func(w io.Writer, format string) error {
		return report.WriteRoofline(w, format, 500, 40, []report.Point{{Kind: "linear", Intensity: 100, GFLOPS: 450}, {Kind: "attention", Intensity: 0.1, GFLOPS: 1}})
	}
	scale := func(w io.Writer, format string) error {
		return report.WriteScale(w, format, "unet", 500, []report.Cost{{Pixels: 1 << 16, Seconds: 2, FLOPs: 7e11}, {Pixels: 1 << 20, Seconds: 40, FLOPs: 13e12}})
	}
	lines := func(w io.Writer, format string) error {
		return report.WriteLines(w, format, "soak", "requests", []report.Line{{Name: "heap", X: []float64{1, 2, 3}, Y: []float64{5, 4, 6}}, {Name: "none", X: []float64{1}, Y: []float64{0}}})
	}
	for _, plot := range []func(io.Writer, string) error{roofline, scale, lines} {
		var b bytes.Buffer
		require.NoError(t, plot(&b, "png"))
		_, err := png.Decode(&b)
		require.NoError(t, err)
		b.Reset()
		require.NoError(t, plot(&b, "svg"))
		require.NoError(t, xml.Unmarshal(b.Bytes(), new(struct{ XMLName xml.Name })))
		require.Error(t, plot(&b, "txt"))
	}
}

func TestEnvironment(t *testing.T) {
	e := report.NewEnvironment("cpu", 2)
	require.NotEmpty(t, e.Processor)
	require.NotEmpty(t, e.Date)
	require.Equal(t, 2, e.Threads)
}
