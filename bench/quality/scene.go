package quality

import (
	_ "embed"
	"encoding/json"
	"image"
	"math"
)

// Object is what a caption asks for.
type Object struct {
	Shape string  `json:"shape"`
	Color int     `json:"color"`
	X     float64 `json:"x"`
	Y     float64 `json:"y"`
}

// Scene is a caption and what it means. Kind is single, count, relation, three or inside.
// Style is a style preset whose words belong around the caption, or empty.
type Scene struct {
	Caption  string   `json:"caption"`
	Kind     string   `json:"kind"`
	Relation string   `json:"relation"`
	Style    string   `json:"style,omitempty"`
	Objects  []Object `json:"objects"`
}

// Kinds are the kinds of scenes in the order of tables.
var Kinds = []string{"single", "count", "relation", "three", "inside"}

var (
	//go:embed scenes.json
	scenesJSON []byte
	//go:embed presets.json
	presetsJSON []byte
)

// Scenes returns the captions of the benchmark, of which each has a combination
// of shape and colour, or of shapes and relation, that the training of the
// model in the box leaves out (the weights it began from had seen some; see
// docs/model.md). sdxl/demo/train/benchmark.py made them.
func Scenes() ([]Scene, error) { return parse(scenesJSON) }

// PresetScenes returns ten captions of one object for each of the 17 style
// presets. Each has a combination of shape and colour, or of style and shape,
// that the recipe's training leaves out. sdxl/demo/train/benchmark.py made them.
func PresetScenes() ([]Scene, error) { return parse(presetsJSON) }

func parse(data []byte) ([]Scene, error) {
	var s []Scene
	err := json.Unmarshal(data, &s)
	return s, err
}

// Score is the judgement of a picture.
type Score struct {
	Objects bool // every object that is asked for is there, in its colour
	Right   bool // and in its place and number, with nothing else
}

const (
	placeTolerance = 20 // pixels from where a single object belongs
	orderTolerance = 12 // pixels that the second object must lie beyond the first
)

// Judge scores a picture against a scene.
func (s *Scene) Judge(img *image.NRGBA) Score {
	var things []Thing
	if s.Kind == "inside" {
		things = readInside(img, s.Objects[0].Color, s.Objects[1].Color)
	} else {
		things = Read(img)
	}
	found := make([]Thing, len(s.Objects))
	for i, o := range s.Objects {
		k := nearest(things, o)
		if k < 0 {
			return Score{}
		}
		found[i] = things[k]
		things = append(things[:k], things[k+1:]...)
	}
	return Score{true, len(things) == 0 && s.placed(found)}
}

// nearest returns the thing like o that is nearest to its place, or -1.
func nearest(things []Thing, o Object) int {
	best, at := math.Inf(1), -1
	for i, t := range things {
		d := math.Hypot(t.X-o.X, t.Y-o.Y)
		if t.Shape == o.Shape && t.Color == o.Color && d < best {
			best, at = d, i
		}
	}
	return at
}

// placed reports whether the found things lie as the scene's objects do.
func (s *Scene) placed(found []Thing) bool {
	switch {
	case s.Kind == "single":
		o, t := s.Objects[0], found[0]
		return max(math.Abs(o.X-t.X), math.Abs(o.Y-t.Y)) < placeTolerance
	case s.Kind == "count" || s.Kind == "inside" || s.Relation == "beside":
		return true
	}
	for i := range found[1:] {
		a, b := s.Objects[i], s.Objects[i+1]
		want, got := b.X-a.X, found[i+1].X-found[i].X
		if dy := b.Y - a.Y; math.Abs(dy) > math.Abs(want) {
			want, got = dy, found[i+1].Y-found[i].Y
		}
		if math.Copysign(1, want)*got < orderTolerance {
			return false
		}
	}
	return true
}
