package sdxl

import (
	"slices"
	"strings"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// Architecture configures the networks of a model, and so says which tensors a
// checkpoint of it holds.
type Architecture struct {
	TextL, TextG TextConfig
	UNet         UNetConfig
	VAE          VAEConfig
}

// Role is what a parameter is to its operation.
type Role uint8

// The roles of parameters.
const (
	Matrix Role = iota // of a linear layer or a convolution, [out, in, ...]
	Bias
	Scale // of a normalisation
	Shift // of a normalisation
	Table // of embeddings
)

// StoredTensor is a tensor of a checkpoint.
type StoredTensor struct {
	Key   string
	Shape tensor.Shape
	Role  Role
	FanIn int // of a Matrix: how many products an output is the sum of
}

// Folder lists the tensors of a diffusers folder, by the folder of the part.
func (a Architecture) Folder() (map[string][]StoredTensor, error) {
	return a.tensors(func(string) func(string) []stored { return folderKeys })
}

// SingleFile lists the tensors of an original single-file checkpoint, by the
// folder of the part.
func (a Architecture) SingleFile() (map[string][]StoredTensor, error) {
	blocks, err := a.UNet.blocks()
	if err != nil {
		return nil, err
	}
	finders := a.finders(blocks)
	tensors, err := a.tensors(func(part string) func(string) []stored { return finders[part].find })
	for i, t := range tensors["vae"] {
		// The VAE's attention is made of convolutions there.
		if t.Role == Matrix && len(t.Shape) == 2 && strings.Contains(t.Key, ".attn_1.") {
			tensors["vae"][i].Shape = append(t.Shape, 1, 1)
		}
	}
	return tensors, err
}

// finder says which keys of a single file belong to a part, and where in it a
// parameter lies.
type finder struct {
	prefix string
	find   func(name string) []stored
}

// finders returns the finders of a single file by part.
func (a Architecture) finders(blocks []unetBlock) map[string]finder {
	return map[string]finder{
		"text_encoder":   {textLPrefix, textLKeys},
		"text_encoder_2": {textGPrefix, textGKeys(a.TextG.HiddenSize)},
		"unet":           {unetPrefix, unetKeys(blocks)},
		"vae":            {vaePrefix, vaeKeys(len(a.VAE.BlockOutChannels))},
	}
}

// Networks returns the networks without parameters: their graphs can be
// recorded and counted, not run.
func (a Architecture) Networks() (*Model, error) {
	return a.networks(func(string) func(string) []stored { return folderKeys })
}

func (a Architecture) networks(finder func(part string) func(string) []stored) (*Model, error) {
	m := &Model{Path: "architecture"}
	none, err := safetensors.OpenReaderAt(strings.NewReader(emptyFile), int64(len(emptyFile)), m.Path)
	if err != nil {
		return nil, err
	}
	return m, m.build(configs{a.TextL, a.TextG, a.UNet, a.VAE}, encoderParts|UNetPart|VAEPart, func(part string) (*params, error) {
		return newParams(part, none, finder(part), everyKey), nil
	})
}

// emptyFile is a safetensors file that holds nothing.
const emptyFile = "\x02\x00\x00\x00\x00\x00\x00\x00{}"

// tensors lists what the networks look for in their files.
func (a Architecture) tensors(finder func(part string) func(string) []stored) (map[string][]StoredTensor, error) {
	m, err := a.networks(finder)
	if err != nil {
		return nil, err
	}
	lists := make(map[string][]StoredTensor)
	for _, n := range m.graphs() {
		g, err := n.record()
		if err != nil {
			return nil, err
		}
		if lists[n.part], err = m.weights[n.part].stored(lists[n.part], g); err != nil {
			return nil, err
		}
	}
	return lists, nil
}

// stored appends the tensors that a graph's parameters lie in, each once.
func (p *params) stored(list []StoredTensor, g *nn.Graph) ([]StoredTensor, error) {
	program, err := nn.Lower(g, func(nn.Op, tensor.DType) bool { return true }, nil)
	if err != nil {
		return nil, err
	}
	add := func(w *nn.Weight, role Role) {
		if w == nil {
			return
		}
		at := p.find(strings.TrimPrefix(w.Name, p.component+"/"))[0]
		t := StoredTensor{Key: at.key, Shape: w.Shape.Clone(), Role: role}
		if role == Matrix {
			t.FanIn = w.Shape[1:].NumElements()
		}
		if at.transpose {
			slices.Reverse(t.Shape)
		}
		i := slices.IndexFunc(list, func(have StoredTensor) bool { return have.Key == t.Key })
		if i < 0 {
			i = len(list)
			list = append(list, t)
		}
		list[i].Shape[0] = max(list[i].Shape[0], at.to) // several parameters may be rows of one tensor
	}
	for _, n := range program.Nodes {
		switch op := n.Op.(type) {
		case nn.Linear:
			add(op.Weight, Matrix)
			add(op.Bias, Bias)
		case nn.Conv2D:
			if op.Norm != nil {
				add(op.Norm.Scale, Scale)
				add(op.Norm.Shift, Shift)
			}
			add(op.Weight, Matrix)
			add(op.Bias, Bias)
		case nn.UpsampleConv2D:
			add(op.Weight, Matrix)
			add(op.Bias, Bias)
		case nn.GroupNorm:
			add(op.Scale, Scale)
			add(op.Shift, Shift)
		case nn.LayerNorm:
			add(op.Scale, Scale)
			add(op.Shift, Shift)
		case nn.Embedding:
			add(op.Table, Table)
			add(op.Positions, Table)
		}
	}
	return list, nil
}
