// Command openai asks a server of easel for vectors by OpenAI's own library:
//
//	easel clip serve -m MODEL --listen 127.0.0.1:3003
//	go run ./openai http://127.0.0.1:3003 "an old lighthouse"
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func main() {
	vectors, err := embed(context.Background(), os.Args[1], os.Args[2:])
	if err != nil {
		log.Fatal(err)
	}
	for i, v := range vectors {
		fmt.Println(os.Args[2+i], len(v), v[0])
	}
}

func embed(ctx context.Context, server string, texts []string) ([][]float64, error) {
	client := openai.NewClient(option.WithBaseURL(server+"/v1"), option.WithAPIKey("none"))
	answer, err := client.Embeddings.New(ctx, openai.EmbeddingNewParams{
		Model: "clip",
		Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: texts},
	})
	if err != nil {
		return nil, err
	}
	vectors := make([][]float64, len(texts))
	for _, e := range answer.Data {
		vectors[e.Index] = e.Embedding
	}
	return vectors, nil
}
