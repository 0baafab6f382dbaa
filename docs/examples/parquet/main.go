// Command parquet reads what easel clip writes to a Parquet file:
//
//	easel clip -m MODEL --texts texts.txt -o vectors.parquet
//	go run ./parquet vectors.parquet
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/parquet-go/parquet-go"
)

type row struct {
	Text      *string   `parquet:"text,optional"`
	Picture   *string   `parquet:"picture,optional"`
	Embedding []float32 `parquet:"embedding,list"`
}

func main() {
	rows, err := parquet.ReadFile[row](os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range rows {
		name := r.Picture
		if r.Text != nil {
			name = r.Text
		}
		fmt.Println(*name, len(r.Embedding), r.Embedding[0])
	}
}
