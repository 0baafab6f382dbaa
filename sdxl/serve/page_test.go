package serve

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl/request"
)

// styleOption is there once the page has its lists.
const styleOption = `#style option[value="neon-punk"]`

// browser opens the page in headless Chromium and waits for an element.
func browser(t *testing.T, url, ready string) context.Context {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome", "headless-shell"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("EASEL_REQUIRE_CHROMIUM") != "" {
			t.Fatal("EASEL_REQUIRE_CHROMIUM is set, and no chromium is in the path")
		}
		t.Skip("no chromium in the path: the page is not tested")
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(stop)
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(url+"/"), chromedp.WaitReady(ready)))
	return ctx
}

// fill sets the page's fields.
func fill(t *testing.T, ctx context.Context, fields map[string]string) {
	for id, value := range fields {
		require.NoError(t, chromedp.Do(ctx, chromedp.SetValue("#"+id, value)))
	}
}

// read evaluates an expression of the page.
func read[T any](t *testing.T, ctx context.Context, expression string) T {
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	require.NoError(t, err, expression)
	return v
}

// draw has the page make a picture, and returns it.
func draw(t *testing.T, ctx context.Context) []byte {
	require.NoError(t, chromedp.Do(ctx, chromedp.Click("#draw"), chromedp.WaitVisible("#save")))
	source := read[string](t, ctx, `document.getElementById("picture").src`)
	picture, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(source, "data:image/png;base64,"))
	require.NoError(t, err)
	return picture
}

// waitStatus waits for what the page says, and returns it.
func waitStatus(t *testing.T, ctx context.Context, start string) string {
	const status = `document.getElementById("status").textContent`
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](fmt.Sprintf("%s.startsWith(%q)", status, start)))
	require.NoError(t, err, start)
	return read[string](t, ctx, status)
}

func TestPageDraws(t *testing.T) {
	ctx := browser(t, start(t, Options{}), styleOption)
	fill(t, ctx, map[string]string{"prompt": "a red circle", "negative": "blue", "style": "neon-punk", "sampler": "euler", "steps": "9", "cfg": "4", "seed": "42",
		"width": "64", "height": "128"})
	read[[]byte](t, ctx, `window.sources = 0; new MutationObserver(() => sources++).observe(document.getElementById("picture"), {attributeFilter: ["src"]})`)
	picture := draw(t, ctx)
	require.True(t, bytes.Equal(picture, want(t, `{"text_prompts":[{"text":"a red circle"},{"text":"blue","weight":-1}],"style_preset":"neon-punk","sampler":"euler",
		"steps":9,"cfg_scale":4,"seed":42,"width":64,"height":128}`)))
	require.Greater(t, read[int](t, ctx, "sources"), 1, "the picture was shown as it came")
	require.Contains(t, read[string](t, ctx, `document.getElementById("parameters").textContent`), `"cfg_scale": 4`)
	require.Equal(t, "done, seed 42", waitStatus(t, ctx, "done"))
}

// TestPageReadsParameters drops a picture on the page, and has it drawn again.
func TestPageReadsParameters(t *testing.T) {
	ctx := browser(t, start(t, Options{}), styleOption)
	picture := want(t, `{"text_prompts":[{"text":"a naïve 猫"}],"sampler":"euler_a","steps":3,"cfg_scale":2.5,"seed":7,"width":128,"height":64,
		"extras":{"schedule":"karras","spacing":"linspace"}}`)
	drop := func(name string, data []byte) {
		read[bool](t, ctx, fmt.Sprintf(`{
			const data = new DataTransfer();
			data.items.add(new File([Uint8Array.from(atob(%q), (c) => c.charCodeAt(0))], %q));
			document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
		}`, base64.StdEncoding.EncodeToString(data), name))
	}
	drop("x.png", picture)
	waitStatus(t, ctx, "parameters of x.png")
	for id, value := range map[string]string{"prompt": "a naïve 猫", "negative": "", "sampler": "euler_a", "schedule": "karras", "steps": "3", "cfg": "2.5", "seed": "7",
		"width": "128", "height": "64"} {
		require.Equal(t, value, read[string](t, ctx, fmt.Sprintf("document.getElementById(%q).value", id)), id)
	}
	require.True(t, bytes.Equal(picture, draw(t, ctx)))
	drop("y.png", []byte("no picture"))
	require.Equal(t, "y.png: this file is no PNG", waitStatus(t, ctx, "y.png"))
}

func TestPageTellsFaultsAndStops(t *testing.T) {
	ctx := browser(t, start(t, Options{Limits: request.Limits{Steps: 100}, APIKeys: []string{"secret"}}), "#draw")
	click := func(id string) { require.NoError(t, chromedp.Do(ctx, chromedp.Click(id))) }
	click("#draw")
	waitStatus(t, ctx, "want an API key")
	read[bool](t, ctx, `document.querySelector("details").open = true`)
	require.NoError(t, chromedp.Do(ctx, chromedp.SendKeys("#key", "secret\t"), chromedp.WaitReady(styleOption)))
	fill(t, ctx, map[string]string{"steps": "101"})
	click("#draw")
	require.Equal(t, "steps is 101, want 1 to 100", waitStatus(t, ctx, "steps"))
	fill(t, ctx, map[string]string{"steps": "100", "width": "512", "height": "512"})
	click("#draw")
	waitStatus(t, ctx, "step ")
	click("#stop")
	waitStatus(t, ctx, "stopped")
}
