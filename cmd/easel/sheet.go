package main

import (
	"image"
	"image/color"
	"image/draw"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// The layout of the contact sheet.
const (
	demoColumns = 4
	demoMargin  = 12
	captionH    = 44
)

// contactSheet draws pictures of one size in a grid with captions below.
func contactSheet(images []image.Image, captions []string) image.Image {
	size, face := images[0].Bounds().Size(), basicfont.Face7x13
	lines, below := make([][]string, len(captions)), captionH
	for i, c := range captions {
		lines[i] = wrap(c, (size.X+demoMargin)/face.Advance)
		below = max(below, len(lines[i])*face.Height+face.Descent)
	}
	cell := size.Add(image.Pt(2*demoMargin, demoMargin+below))
	rows := (len(images) + demoColumns - 1) / demoColumns
	sheet := image.NewNRGBA(image.Rect(0, 0, demoColumns*cell.X, rows*cell.Y))
	draw.Draw(sheet, sheet.Bounds(), image.White, image.Point{}, draw.Src)
	for i, img := range images {
		at := image.Pt(i%demoColumns*cell.X+demoMargin, i/demoColumns*cell.Y+demoMargin)
		draw.Draw(sheet, image.Rectangle{Min: at, Max: at.Add(size)}, img, img.Bounds().Min, draw.Src)
		for j, line := range lines[i] {
			text := font.Drawer{Dst: sheet, Src: image.NewUniform(color.Gray{40}), Face: face,
				Dot: fixed.P(at.X, at.Y+size.Y+(j+1)*face.Height)}
			text.DrawString(line)
		}
	}
	return sheet
}

// wrap breaks a text into lines of at most n characters where it has spaces.
func wrap(text string, n int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > n {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}
