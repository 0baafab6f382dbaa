// Command pgvector prints SQL that puts the vectors of texts into a table of
// PostgreSQL with pgvector, and a query:
//
//	go run ./pgvector MODEL "a lighthouse" | psql
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

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
	fmt.Printf("CREATE TABLE photos (path text PRIMARY KEY, embedding vector(%d));\n", m.Dim())
	for i, caption := range captions { // in a program: parameters $1 and $2
		fmt.Printf("INSERT INTO photos VALUES ('%s', '%s');\n", caption, text(vectors[i]))
	}
	fmt.Printf("SELECT path FROM photos ORDER BY embedding <=> '%s' LIMIT 1;\n", text(vectors[len(captions)]))
}

// text returns a vector as pgvector reads it.
func text(v []float32) string {
	numbers := make([]string, len(v))
	for i, x := range v {
		numbers[i] = strconv.FormatFloat(float64(x), 'g', -1, 32)
	}
	return "[" + strings.Join(numbers, ",") + "]"
}
