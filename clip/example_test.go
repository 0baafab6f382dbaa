package clip_test

import (
	"context"
	"fmt"
	"image"
	"log"
	"os"
	"slices"

	"github.com/df65613c/easel/clip"
)

// model is a folder as Hugging Face publishes it, such as clip-vit-base-patch32.
const model = "../internal/golden/testdata/clip/quick"

func Example() {
	m, err := clip.Open(model, clip.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	ctx := context.Background()
	texts, err := m.EmbedTexts(ctx, []string{"a red circle", "an old lighthouse", "two cats"})
	if err != nil {
		log.Fatal(err)
	}
	best := clip.TopK(texts[0], texts, 1)
	fmt.Println(len(texts), m.Dim(), best[0].Index)
	// Output: 3 20 0
}

func ExampleModel_ZeroShot() {
	m, err := clip.Open(model, clip.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	f, err := os.Open("../internal/golden/testdata/clip/pictures/large.png")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		log.Fatal(err)
	}
	p, err := m.ZeroShot(context.Background(), img, []string{"a photo of a cat", "a photo of a dog"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f\n", p[0]+p[1])
	// Output: 1.00
}

func ExampleModel_TextStream() {
	m, err := clip.Open(model, clip.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	x := clip.NewInt8Index(m.Dim()) // a quarter of the memory
	lines := slices.Values([]string{"a cat", "a dog", "the moon"})
	for v, err := range m.TextStream(context.Background(), lines) {
		if err != nil {
			log.Fatal(err)
		}
		if err := x.Add(v); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(x.Len())
	// Output: 3
}
