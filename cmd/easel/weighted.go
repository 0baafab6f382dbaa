package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/df65613c/easel/sdxl"
)

// weightedFlag collects prompts of the form TEXT:WEIGHT.
type weightedFlag struct{ prompts []sdxl.WeightedPrompt }

func (f *weightedFlag) String() string {
	texts := make([]string, len(f.prompts))
	for i, p := range f.prompts {
		texts[i] = fmt.Sprintf("%s:%g", p.Text, p.Weight)
	}
	return strings.Join(texts, ", ")
}

func (f *weightedFlag) Type() string { return "TEXT:WEIGHT" }

func (f *weightedFlag) Set(s string) error {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return fmt.Errorf("want TEXT:WEIGHT, such as a red circle:0.7")
	}
	weight, err := strconv.ParseFloat(s[i+1:], 64)
	if err != nil {
		return fmt.Errorf("weight is %q, want a number after the last colon", s[i+1:])
	}
	f.prompts = append(f.prompts, sdxl.WeightedPrompt{Text: s[:i], Weight: weight})
	return nil
}
