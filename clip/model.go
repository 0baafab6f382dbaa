package clip

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/internal/program"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/tensor"
)

// Options adjusts a model. The zero value is good.
type Options struct {
	// Backend runs the towers; nil is one of the processor, made with Threads and
	// Precision and closed with the model.
	Backend   nn.Backend
	Threads   int          // 0 is GOMAXPROCS
	Precision nn.Precision // "" is F32
	// Memory is how many bytes compiled towers may hold while none runs; 0 is 512 MiB.
	Memory int64
	// Activation is the function between the linear layers, "gelu" or "quick_gelu", for
	// OpenCLIP's files, which do not say it. OpenAI's weights have quick_gelu.
	Activation string
	// AllowUnused opens files with tensors that the towers don't use.
	AllowUnused bool
}

const defaultMemory = 512 << 20

// Model is a pair of towers, or one of them, that turn texts and pictures into
// vectors of one space. It is safe for concurrent use: calls at the same time
// are computed in batches.
type Model struct {
	Path string
	// Scale and Bias turn a cosine into a logit: Scale cos + Bias.
	Scale, Bias float32
	// Sigmoid says that a logit gives the probability of a text by itself
	// (SigLIP), not among other texts.
	Sigmoid bool

	text     *textTower
	image    *imageTower
	backend  nn.Backend
	owned    bool // backend
	files    []checkpoint.Source
	others   []*Model // whose towers the model has, and that it closes
	accounts []checkpoint.Account
}

// shape is what a compiled tower depends on.
type shape struct{ batch, tokens int }

// tower is what the two have in common.
type tower struct {
	backend  nn.Backend
	lane     lane
	programs program.Pool[shape, *compiled]
	dim      int
}

// close waits for a batch that was cancelled, and frees the compiled towers.
func (t *tower) close() error {
	t.lane.worker.Wait()
	return t.programs.Close()
}

// compiled is a tower compiled for a shape, with what it reads and writes.
type compiled struct {
	*program.Program
	src, dst []*tensor.Tensor
}

// use runs f with the tower compiled for a shape.
func (t *tower) use(ctx context.Context, s shape, record func() (program.Network, error), f func(*compiled) error) error {
	return t.programs.Use(ctx, s, func(ctx context.Context) (*compiled, error) {
		n, err := record()
		if err != nil {
			return nil, err
		}
		p, err := n.Compile(ctx, t.backend, nn.CompileOptions{})
		if err != nil {
			return nil, err
		}
		return &compiled{p, p.NewInputs(), p.NewOutputs()}, nil
	}, f)
}

// textTower takes texts to vectors.
type textTower struct {
	tower
	record recorder
	file   string
	limit  int                   // tokens
	ids    int32                 // that the tower has embeddings of
	load   func() (texts, error) // once
}

// imageTower takes pictures to vectors.
type imageTower struct {
	tower
	*VisionEncoder
	file    string
	prepare *preprocessing
	decode  chan struct{} // a place for each picture that is prepared at a time
}

// rowsAtOnce is about how many tokens a batch has. From there on the weights are
// read little enough, and the values between layers still fit in caches.
const rowsAtOnce = 5120

// mostInBatch is how many texts or pictures a batch has at most.
const mostInBatch = 64

func (m *Model) newText(record recorder, dim, limit, ids int, file string, load func() (texts, error), memory int64) *textTower {
	t := &textTower{
		tower:  tower{backend: m.backend, dim: dim, programs: program.Pool[shape, *compiled]{Limit: memory, Each: 1}},
		record: record, file: file, limit: limit, ids: int32(ids), load: sync.OnceValues(load),
	}
	t.lane.run, t.lane.cut = t.run, cutByLength
	return t
}

func (m *Model) newImage(e *VisionEncoder, p *preprocessing, file string, memory int64) *imageTower {
	t := &imageTower{
		tower:         tower{backend: m.backend, dim: e.Dim(), programs: program.Pool[shape, *compiled]{Limit: memory, Each: 1}},
		VisionEncoder: e, file: file, prepare: p, decode: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	most := min(max(rowsAtOnce/(e.Config.patches()+1), 1), mostInBatch)
	t.lane.run = t.run
	t.lane.cut = func(sorted []*item, first int) (from, to int) {
		from = first / most * most
		return from, min(from+most, len(sorted))
	}
	return t
}

// setBackend chooses what runs the towers.
func (m *Model) setBackend(o Options) {
	if m.backend = o.Backend; m.backend == nil {
		m.backend, m.owned = cpu.New(cpu.Options{Threads: o.Threads, Precision: o.Precision}), true
	}
}

// ErrNoText and ErrNoImage say that a model lacks the tower that is asked for.
var (
	ErrNoText  = errors.New("the model has no text tower")
	ErrNoImage = errors.New("the model has no image tower")
)

// HasText and HasImages report which towers the model has.
func (m *Model) HasText() bool { return m.text != nil }

// HasImages reports whether the model has an image tower.
func (m *Model) HasImages() bool { return m.image != nil }

// Dim returns the width of the vectors.
func (m *Model) Dim() int {
	if m.text != nil {
		return m.text.dim
	}
	return m.image.dim
}

// MaxTokens returns how many tokens of a text are read, with those that the
// tokenizer adds. It is 0 for a model without a text tower.
func (m *Model) MaxTokens() int {
	if m.text == nil {
		return 0
	}
	return m.text.limit
}

// ImageSize returns the width and height to which pictures are resized, 0 for a
// model without an image tower.
func (m *Model) ImageSize() int {
	if m.image == nil {
		return 0
	}
	return m.image.Config.ImageSize
}

// Accounts returns how the tensors of the files and the parameters of the
// towers match.
func (m *Model) Accounts() []checkpoint.Account { return m.accounts }

// Close frees the model. No call may run.
func (m *Model) Close() error {
	var errs []error
	for _, other := range m.others {
		errs = append(errs, other.Close())
	}
	if m.text != nil {
		errs = append(errs, m.text.close())
	}
	if m.image != nil {
		errs = append(errs, m.image.close())
	}
	if m.owned {
		errs = append(errs, m.backend.Close())
	}
	for _, f := range m.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// normalise sets dst to v divided by its length.
func normalise(dst, v []float32) {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	scale := 0.0
	if sum > 0 {
		scale = 1 / math.Sqrt(sum)
	}
	for i, x := range v {
		dst[i] = float32(float64(x) * scale)
	}
}

// rowsOf cuts a slice into rows of some width.
func rowsOf(flat []float32, width int) [][]float32 {
	rows := make([][]float32, len(flat)/width)
	for i := range rows {
		rows[i] = flat[i*width : (i+1)*width : (i+1)*width]
	}
	return rows
}

// checkRoom returns an error unless dst has the size of n vectors.
func checkRoom(dst []float32, n, width int) error {
	if len(dst) != n*width {
		return fmt.Errorf("clip: dst has %d numbers, want %d for %d vectors of %d", len(dst), n*width, n, width)
	}
	return nil
}
