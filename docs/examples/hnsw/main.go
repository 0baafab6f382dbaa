// Command hnsw searches approximately, in a graph of small worlds, as for many
// millions of vectors:
//
//	go run ./hnsw MODEL "a lighthouse"
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/coder/hnsw"

	"github.com/df65613c/easel/clip"
)

func main() {
	m, err := clip.Open(os.Args[1], clip.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	captions := []string{"a red circle", "an old lighthouse", "two cats"}
	vectors, err := m.EmbedTexts(context.Background(), append(captions, os.Args[2]))
	if err != nil {
		log.Fatal(err)
	}
	g := hnsw.NewGraph[string]()
	g.Distance = hnsw.CosineDistance
	for i, caption := range captions {
		g.Add(hnsw.MakeNode(caption, vectors[i]))
	}
	for _, node := range g.Search(vectors[len(captions)], 1) {
		fmt.Println(node.Key)
	}
}
