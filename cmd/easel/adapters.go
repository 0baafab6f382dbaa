package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/adapt"
)

// adapterFlags are LoRAs and their kin: files that are used, and a folder of
// those that prompts and requests name.
type adapterFlags struct {
	library adapt.Library
	words   adapt.Words
	used    []sdxl.Adapter
	blocks  []string
}

// addDir adds the flag of the folder.
func (f *adapterFlags) addDir(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.library.Dir, "lora-dir", "",
		"folder of LoRAs that requests can name, and prompts of --prompt-syntax a1111, as <lora:NAME:0.8>")
	cmd.Flags().StringVar(&f.words.Dir, "embedding-dir", "",
		"folder of textual inversions, whose names in prompts stand for their vectors: NAME in --prompt-syntax a1111, embedding:NAME in comfy, <NAME> in the others")
}

// addUse adds the flags of files.
func (f *adapterFlags) addUse(cmd *cobra.Command) {
	f.addDir(cmd)
	cmd.Flags().Var(f, "lora",
		"LoRA, LyCORIS or DoRA to use, FILE[:WEIGHT[:TEXT_WEIGHT]]; TEXT_WEIGHT is for the text encoders; may be given several times")
	cmd.Flags().Func("embedding",
		"file of a textual inversion; its name in a prompt stands for its vectors, as with --embedding-dir; may be given several times", f.words.Add)
	cmd.Flags().StringArrayVar(&f.blocks, "lora-block", nil,
		"factor of a LoRA's weight in a part of the UNet, NAME:PART=FACTOR, such as house:mid_block=0.5")
}

// addFuse adds the flags of files whose changes are written into a checkpoint.
func (f *adapterFlags) addFuse(cmd *cobra.Command) {
	cmd.Flags().Var(f, "lora", "LoRA, LyCORIS or DoRA to write into the weights, FILE[:WEIGHT[:TEXT_WEIGHT]], the latter for the text encoders; may be given several times")
	cmd.Flags().StringArrayVar(&f.blocks, "lora-block", nil, "strength of one of them in a part of the UNet, NAME:PART=WEIGHT such as house:mid_block=0.5, times its weight")
}

func (f *adapterFlags) String() string { return "" }

func (f *adapterFlags) Type() string { return "FILE:WEIGHT" }

// Set adds a file to the library, and uses it.
func (f *adapterFlags) Set(s string) error {
	path, numbers := s, []float64(nil)
	for range 2 {
		i := strings.LastIndexByte(path, ':')
		if i <= 0 {
			break
		}
		v, err := strconv.ParseFloat(path[i+1:], 64)
		if err != nil {
			break
		}
		path, numbers = path[:i], append([]float64{v}, numbers...)
	}
	name, err := f.library.Add(path)
	if err != nil {
		return err
	}
	a := sdxl.Adapter{Name: name}
	if len(numbers) > 0 {
		a.Weight = &numbers[0]
	}
	if len(numbers) > 1 {
		a.TextWeight = &numbers[1]
	}
	f.used = append(f.used, a)
	return nil
}

// adapters returns what is used.
func (f *adapterFlags) adapters() ([]sdxl.Adapter, error) {
	for _, s := range f.blocks {
		name, rest, ok := strings.Cut(s, ":")
		part, text, found := strings.Cut(rest, "=")
		weight, err := strconv.ParseFloat(text, 64)
		if !ok || !found || err != nil {
			return nil, fmt.Errorf("--lora-block %s: want NAME:PART=WEIGHT, such as house:mid_block=0.5", s)
		}
		known := false
		for i := range f.used {
			if f.used[i].Name == name {
				f.used[i].Blocks = append(f.used[i].Blocks, sdxl.AdapterBlock{Name: part, Weight: weight})
				known = true
			}
		}
		if !known {
			return nil, fmt.Errorf("--lora-block %s: --lora gives no %s", s, name)
		}
	}
	f.blocks = nil
	return f.used, nil
}

// checkAdapterDirs returns an error unless the folders of adapters that are given are there.
func checkAdapterDirs(o *sdxl.PipelineOptions) error {
	dirs := [][2]string{{"", ""}, {"", ""}}
	if o.Adapters != nil {
		dirs[0] = [2]string{"--lora-dir", o.Adapters.Dir}
	}
	if o.Embeddings != nil {
		dirs[1] = [2]string{"--embedding-dir", o.Embeddings.Dir}
	}
	for _, d := range dirs {
		if d[1] == "" {
			continue
		}
		if info, err := os.Stat(d[1]); err != nil || !info.IsDir() {
			return fmt.Errorf("%s %s: want a folder that is there", d[0], d[1])
		}
	}
	return nil
}
