// Command adapters draws one prompt with several forms of a model, and with a LoRA or a textual
// inversion: a row for each form, whose first picture is the one without.
//
//	go run ./adapters -lora FILE -lora FILE -o sheet.png MODEL...
package main

import (
	"context"
	"flag"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"log"
	"os"

	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/adapt"
)

func main() {
	prompt := flag.String("p", "a large red house on a white background, blueprint", "prompt")
	out := flag.String("o", "adapters.png", "sheet to write")
	var names []string
	var library adapt.Library
	flag.Func("lora", "adapter, a file; may be given several times", func(path string) error {
		name, err := library.Add(path)
		names = append(names, name)
		return err
	})
	flag.Parse()
	var rows [][]image.Image
	for _, model := range flag.Args() {
		row, err := drawn(model, *prompt, &library, names)
		if err != nil {
			log.Fatal(err)
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		log.Fatal("give at least one model: a folder or a file")
	}
	f, err := os.Create(*out)
	if err != nil {
		log.Fatal(err)
	}
	if err := png.Encode(f, sheet(rows)); err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}

// drawn returns pictures without an adapter, with each, and with all of them.
func drawn(model, prompt string, library *adapt.Library, names []string) ([]image.Image, error) {
	m, err := sdxl.Open(model, sdxl.OpenOptions{})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	backend := cpu.New(cpu.Options{})
	defer backend.Close()
	pipe := sdxl.NewPipeline(m, backend, sdxl.PipelineOptions{Adapters: library})
	defer pipe.Close()
	used := [][]sdxl.Adapter{nil}
	var all []sdxl.Adapter
	for _, name := range names {
		all = append(all, sdxl.Adapter{Name: name})
		used = append(used, []sdxl.Adapter{{Name: name}})
	}
	if len(names) > 1 {
		used = append(used, all)
	}
	var row []image.Image
	seed := int64(3)
	for _, adapters := range used {
		r, err := pipe.Generate(context.Background(), sdxl.Options{Prompt: prompt, Seed: &seed, Adapters: adapters})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", model, err)
		}
		row = append(row, r.Images[0])
	}
	return row, nil
}

// sheet puts rows of pictures of one size together.
func sheet(rows [][]image.Image) image.Image {
	const gap = 8
	cell := rows[0][0].Bounds().Size().Add(image.Pt(gap, gap))
	out := image.NewNRGBA(image.Rect(0, 0, len(rows[0])*cell.X+gap, len(rows)*cell.Y+gap))
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	for y, row := range rows {
		for x, img := range row {
			at := image.Pt(gap+x*cell.X, gap+y*cell.Y)
			draw.Draw(out, image.Rectangle{Min: at, Max: at.Add(img.Bounds().Size())}, img, img.Bounds().Min, draw.Src)
		}
	}
	return out
}
