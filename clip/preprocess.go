package clip

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"math"

	"github.com/df65613c/easel/internal/resample"
)

// preprocessorFile says how pictures are prepared.
const preprocessorFile = "preprocessor_config.json"

// preprocessing is a preprocessor_config.json of the reference's image
// processors of CLIP and SigLIP.
type preprocessing struct {
	DoResize  *bool     `json:"do_resize"`
	DoCrop    *bool     `json:"do_center_crop"`
	DoRescale *bool     `json:"do_rescale"`
	DoNorm    *bool     `json:"do_normalize"`
	Size      edges     `json:"size"`
	CropSize  edges     `json:"crop_size"`
	Resample  *int      `json:"resample"`
	Factor    *float64  `json:"rescale_factor"`
	Mean      []float64 `json:"image_mean"`
	Std       []float64 `json:"image_std"`

	roundCrop bool // OpenCLIP rounds where the crop begins, to even; the reference cuts
	filter    resample.Filter
	levels    [3][256]float32 // what each byte of each channel becomes
}

// edges is a size as files write it: a number, or an object.
type edges struct {
	Shortest int `json:"shortest_edge"`
	Height   int `json:"height"`
	Width    int `json:"width"`
}

func (e *edges) UnmarshalJSON(b []byte) error {
	var n int
	if json.Unmarshal(b, &n) == nil {
		*e = edges{Shortest: n}
		return nil
	}
	type object edges
	return json.Unmarshal(b, (*object)(e))
}

// clipPreprocessing is what the file means for CLIP where it is silent.
func clipPreprocessing(size int) preprocessing {
	return preprocessing{
		Size: edges{Shortest: size}, CropSize: edges{Height: size, Width: size},
		Mean: []float64{0.48145466, 0.4578275, 0.40821073}, Std: []float64{0.26862954, 0.26130258, 0.27577711},
	}
}

// siglipPreprocessing is what the file means for SigLIP where it is silent.
func siglipPreprocessing(size int) preprocessing {
	no := false
	return preprocessing{
		DoCrop: &no, Size: edges{Height: size, Width: size}, Mean: []float64{0.5, 0.5, 0.5}, Std: []float64{0.5, 0.5, 0.5},
	}
}

// readPreprocessing reads how pictures are prepared for a tower.
func readPreprocessing(fsys fs.FS, c *VisionConfig) (*preprocessing, error) {
	p := clipPreprocessing(c.ImageSize)
	if c.siglip() {
		p = siglipPreprocessing(c.ImageSize)
	}
	p.CropSize = edges{Height: c.ImageSize, Width: c.ImageSize}
	var stored preprocessing
	if err := readJSON(fsys, preprocessorFile, &stored); err == nil {
		stored.Size.addTo(&p.Size)
		stored.CropSize.addTo(&p.CropSize)
		set(&p.DoResize, stored.DoResize)
		set(&p.DoCrop, stored.DoCrop)
		set(&p.DoRescale, stored.DoRescale)
		set(&p.DoNorm, stored.DoNorm)
		set(&p.Resample, stored.Resample)
		set(&p.Factor, stored.Factor)
		if stored.Mean != nil {
			p.Mean = stored.Mean
		}
		if stored.Std != nil {
			p.Std = stored.Std
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := p.resolve(c.ImageSize); err != nil {
		return nil, fmt.Errorf("%s: %w", preprocessorFile, err)
	}
	return &p, nil
}

func set[T any](dst **T, v *T) {
	if v != nil {
		*dst = v
	}
}

// addTo replaces another size by e, if e says one.
func (e edges) addTo(other *edges) {
	if e != (edges{}) {
		*other = e
	}
}

func isOn(b *bool) bool { return b == nil || *b }

// resolve checks that what comes out has the tower's size, and fills the table
// of levels.
func (p *preprocessing) resolve(size int) error {
	if p.CropSize.Shortest > 0 {
		p.CropSize = edges{Height: p.CropSize.Shortest, Width: p.CropSize.Shortest}
	}
	out, name := p.Size, "size"
	if isOn(p.DoCrop) {
		out, name = p.CropSize, "crop_size"
	}
	switch {
	case !isOn(p.DoResize):
		return errors.New("do_resize is false: pictures of any size would not fit the tower")
	case p.Size.Shortest < 0 || p.Size.Height < 0 || p.Size.Width < 0 ||
		(p.Size.Shortest == 0) == (p.Size.Height == 0 || p.Size.Width == 0):
		return fmt.Errorf("size is %+v, want shortest_edge, or height and width", p.Size)
	case out.Height != size || out.Width != size:
		return fmt.Errorf("%s is %dx%d, the tower takes %dx%d", name, out.Width, out.Height, size, size)
	case len(p.Mean) != 3 || len(p.Std) != 3:
		return fmt.Errorf("image_mean and image_std have %d and %d numbers, want 3", len(p.Mean), len(p.Std))
	case !(p.Std[0] > 0 && p.Std[1] > 0 && p.Std[2] > 0):
		return fmt.Errorf("image_std is %v, want numbers above 0", p.Std)
	}
	number := 3
	if p.Resample != nil {
		number = *p.Resample
	}
	var err error
	if p.filter, err = resample.ByNumber(number); err != nil {
		return fmt.Errorf("resample %w", err)
	}
	factor := 1.0 / 255
	if p.Factor != nil {
		factor = *p.Factor
	}
	if !isOn(p.DoRescale) {
		factor = 1
	}
	for c := range p.levels {
		for i := range p.levels[c] {
			v := float32(float64(i) * factor) // rounded where the reference rounds
			if isOn(p.DoNorm) {
				v = (v - float32(p.Mean[c])) / float32(p.Std[c])
			}
			p.levels[c][i] = v
		}
	}
	return nil
}

// pixels returns a picture as the tower takes it, with its size, and where the
// padding around it ends that crops of small pictures have.
func (p *preprocessing) pixels(img *image.NRGBA, size int) (*image.NRGBA, image.Point) {
	b := img.Bounds()
	w, h := p.Size.Width, p.Size.Height
	if s := p.Size.Shortest; s > 0 {
		// The long side is cut to a whole number, as the reference cuts it.
		if w, h = s, s; b.Dx() <= b.Dy() {
			h = int(float64(s*b.Dy()) / float64(b.Dx()))
		} else {
			w = int(float64(s*b.Dx()) / float64(b.Dy()))
		}
	}
	if !isOn(p.DoCrop) {
		return resample.Resize(img, w, h, p.filter), image.Point{}
	}
	left, right, x := p.crop(w, size)
	top, bottom, y := p.crop(h, size)
	return resample.Crop(img, w, h, image.Rect(left, top, right, bottom), p.filter), image.Pt(x, y)
}

// crop returns which of n pixels lie in the middle size pixels, and how many
// pixels of padding come before them if there are fewer.
func (p *preprocessing) crop(n, size int) (from, to, pad int) {
	if n >= size {
		if from = (n - size) / 2; p.roundCrop {
			from = int(math.RoundToEven(float64(n-size) / 2))
		}
		return from, from + size, 0
	}
	return 0, n, (size - n + 1) / 2
}

// fill writes a picture into patches [N,3*k*k].
func (p *preprocessing) fill(dst []float32, img image.Image, size, k int) {
	pix, at := p.pixels(onWhite(img), size)
	b := pix.Bounds()
	side := size / k
	for c := range 3 {
		levels := &p.levels[c]
		for y := range side * k {
			for x := range side * k {
				v := levels[0]
				if px, py := x-at.X, y-at.Y; px >= 0 && px < b.Dx() && py >= 0 && py < b.Dy() {
					v = levels[pix.Pix[py*pix.Stride+4*px+c]]
				}
				dst[((y/k*side+x/k)*3+c)*k*k+y%k*k+x%k] = v
			}
		}
	}
}
