package lab

import "image"

// Report is one page of HTML that holds everything it shows.
type Report struct {
	Title   string
	Command string // that made it
	Table   Table
	Figures []Figure
	Images  []image.Image
}
