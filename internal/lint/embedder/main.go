// Command embedder prints the vector of a text. It is the least program that
// embeds, whose size the tests of lint hold.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/df65613c/easel/clip"
)

func main() {
	m, err := clip.Open(os.Args[1], clip.Options{})
	if err != nil {
		log.Fatal(err)
	}
	v, err := m.EmbedTexts(context.Background(), os.Args[2:])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(v)
}
