package main

import (
	"fmt"

	"github.com/df65613c/easel/sdxl"
)

// sizeFlag is a flag of the form WxH.
type sizeFlag struct{ size *sdxl.Size }

func (f *sizeFlag) String() string {
	if f.size == nil {
		return ""
	}
	return fmt.Sprintf("%dx%d", f.size.Width, f.size.Height)
}

func (f *sizeFlag) Type() string { return "WxH" }

func (f *sizeFlag) Set(s string) error {
	var size sdxl.Size
	if !scan(s, "%dx%d", &size.Width, &size.Height) || size.Width <= 0 || size.Height <= 0 {
		return fmt.Errorf("want WIDTHxHEIGHT, such as 1024x768")
	}
	f.size = &size
	return nil
}

// cropFlag is a flag of the form X,Y.
type cropFlag struct{ point sdxl.Corner }

func (f *cropFlag) String() string { return fmt.Sprintf("%d,%d", f.point.X, f.point.Y) }

func (f *cropFlag) Type() string { return "X,Y" }

func (f *cropFlag) Set(s string) error {
	if !scan(s, "%d,%d", &f.point.X, &f.point.Y) {
		return fmt.Errorf("want X,Y, such as 0,128")
	}
	return nil
}

// scan reads two numbers in a format that must match all of s.
func scan(s, format string, a, b *int) bool {
	_, err := fmt.Sscanf(s, format, a, b)
	return err == nil && fmt.Sprintf(format, *a, *b) == s
}
