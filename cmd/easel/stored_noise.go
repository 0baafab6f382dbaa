package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/tensor"
)

// noiseTensor is the name of stored noise in a file.
const noiseTensor = "noise"

// storedNoiseFlags read noise from a file, and keep it in one.
type storedNoiseFlags struct {
	from, save string
	kept       []float32
	draws      []int // lengths
}

func (f *storedNoiseFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.from, "noise-file", "",
		"safetensors file whose tensor \"noise\" has all noise of the run in order: the initial noise [batch,4,height/8,width/8], then the noise of each step; in place of a seed's noise")
	flags.StringVar(&f.save, "save-noise", "", "safetensors file to save all noise of the run in, for --noise-file")
}

// source returns the noise of the file, or nil.
func (f *storedNoiseFlags) source() (sched.Noise, error) {
	if f.from == "" {
		return nil, nil
	}
	file, err := safetensors.Open(f.from)
	if err != nil {
		return nil, fmt.Errorf("--noise-file: %w", err)
	}
	defer file.Close()
	t, err := file.Tensor(noiseTensor)
	if err != nil {
		return nil, fmt.Errorf("--noise-file: %w", err)
	}
	own, err := tensor.Zeros(tensor.F32, t.Shape()...)
	if err == nil {
		err = tensor.Copy(own, t)
	}
	if err != nil {
		return nil, fmt.Errorf("--noise-file %s: tensor %s: %w", f.from, noiseTensor, err)
	}
	return sched.NewNoiseSequence(own.Float32s()), nil
}

// keep returns the function that records draws, or nil.
func (f *storedNoiseFlags) keep() func(draw []float32) {
	if f.save == "" {
		return nil
	}
	return func(draw []float32) {
		f.kept = append(f.kept, draw...)
		f.draws = append(f.draws, len(draw))
	}
}

// write makes the file: a row for each draw, or if they differ in length one of all.
func (f *storedNoiseFlags) write() error {
	if f.save == "" {
		return nil
	}
	shape := []int{len(f.draws), f.draws[0]}
	if shape[0]*shape[1] != len(f.kept) {
		shape = []int{len(f.kept)}
	}
	t, err := tensor.FromSlice(f.kept, shape...)
	if err != nil {
		return err
	}
	return safetensors.WriteFile(f.save, map[string]*tensor.Tensor{noiseTensor: t}, nil)
}
