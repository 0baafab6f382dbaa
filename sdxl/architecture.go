package sdxl

import (
	"strings"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/sdxl/vae"
)

// Architecture configures the networks of a model, and so says which tensors a
// checkpoint of it holds.
type Architecture struct {
	TextL, TextG clip.TextConfig
	UNet         unet.Config
	VAE          vae.Config
}

// Folder lists the tensors of a diffusers folder, by the folder of the part.
func (a Architecture) Folder() (map[string][]checkpoint.Tensor, error) {
	return a.tensors(func(string) func(string) []checkpoint.Place { return folderKeys })
}

// SingleFile lists the tensors of an original single-file checkpoint, by the
// folder of the part.
func (a Architecture) SingleFile() (map[string][]checkpoint.Tensor, error) {
	blocks, err := a.UNet.Blocks()
	if err != nil {
		return nil, err
	}
	finders := a.finders(blocks)
	tensors, err := a.tensors(func(part string) func(string) []checkpoint.Place { return finders[part] })
	for i, t := range tensors["vae"] {
		// The VAE's attention is made of convolutions there.
		if t.Role == checkpoint.Matrix && len(t.Shape) == 2 && strings.Contains(t.Key, ".attn_1.") {
			tensors["vae"][i].Shape = append(t.Shape, 1, 1)
		}
	}
	return tensors, err
}

// finders returns the finders of an original single file by part.
func (a Architecture) finders(blocks []unet.Block) map[string]func(name string) []checkpoint.Place {
	finders := make(map[string]func(name string) []checkpoint.Place)
	for _, part := range folders {
		p := homes[part][0]
		finders[part] = form{p.prefixes[0], p.naming}.finder(part, a.configs(), blocks)
	}
	return finders
}

func (a Architecture) configs() configs {
	return configs{textL: a.TextL, textG: a.TextG, unet: a.UNet, vae: a.VAE}
}

// Networks returns the networks without parameters: their graphs can be
// recorded and counted, not run.
func (a Architecture) Networks() (*Model, error) {
	return a.networks(func(string) func(string) []checkpoint.Place { return folderKeys })
}

func (a Architecture) networks(finder func(part string) func(string) []checkpoint.Place) (*Model, error) {
	m := &Model{Path: "architecture"}
	none, err := safetensors.OpenReaderAt(strings.NewReader(emptyFile), int64(len(emptyFile)), m.Path)
	if err != nil {
		return nil, err
	}
	return m, m.build(a.configs(), folders, func(part string, _ configs) (*checkpoint.Weights, error) {
		return checkpoint.New(part, none, finder(part), parameter), nil
	})
}

// emptyFile is a safetensors file that holds nothing.
const emptyFile = "\x02\x00\x00\x00\x00\x00\x00\x00{}"

// tensors lists what the networks look for in their files.
func (a Architecture) tensors(finder func(part string) func(string) []checkpoint.Place) (map[string][]checkpoint.Tensor, error) {
	m, err := a.networks(finder)
	if err != nil {
		return nil, err
	}
	lists := make(map[string][]checkpoint.Tensor)
	for _, n := range m.graphs() {
		g, err := n.record()
		if err != nil {
			return nil, err
		}
		if lists[n.part], err = m.weights[n.part].Tensors(lists[n.part], g); err != nil {
			return nil, err
		}
	}
	return lists, nil
}
