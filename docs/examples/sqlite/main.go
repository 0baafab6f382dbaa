// Command sqlite keeps vectors in a table of SQLite and finds the text that is
// nearest to another:
//
//	go run ./sqlite MODEL "a lighthouse"
package main

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"log"
	"math"
	"os"

	_ "modernc.org/sqlite"

	"github.com/df65613c/easel/clip"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, model, query string) error {
	m, err := clip.Open(model, clip.Options{})
	if err != nil {
		return err
	}
	defer m.Close()
	db, err := sql.Open("sqlite", ":memory:") // or a file
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // each connection would have a memory of its own
	if _, err := db.ExecContext(ctx, `CREATE TABLE photos (path TEXT PRIMARY KEY, vector BLOB NOT NULL)`); err != nil {
		return err
	}
	captions := []string{"a red circle", "an old lighthouse", "two cats"}
	vectors, err := m.EmbedTexts(ctx, append(captions, query)) // or of pictures: EmbedImages
	if err != nil {
		return err
	}
	for i, caption := range captions {
		if _, err := db.ExecContext(ctx, `INSERT INTO photos VALUES (?, ?)`, caption, encode(vectors[i])); err != nil {
			return err
		}
	}
	paths, index, err := load(ctx, db, m.Dim())
	if err != nil {
		return err
	}
	found, err := index.TopK(vectors[len(captions)], 1)
	if err != nil {
		return err
	}
	fmt.Println(paths[found[0].Index])
	return nil
}

// load reads the table into an index, which takes a moment for a hundred thousand rows.
func load(ctx context.Context, db *sql.DB, dim int) (paths []string, index *clip.Index, err error) {
	index = clip.NewIndex(dim)
	rows, err := db.QueryContext(ctx, `SELECT path, vector FROM photos ORDER BY path`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var path string
		var data []byte
		if err := rows.Scan(&path, &data); err != nil {
			return nil, nil, err
		}
		if err := index.Add(decode(data)); err != nil {
			return nil, nil, err
		}
		paths = append(paths, path)
	}
	return paths, index, rows.Err()
}

func encode(v []float32) []byte {
	data := make([]byte, 0, 4*len(v))
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return data
}

func decode(data []byte) []float32 {
	v := make([]float32, len(data)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return v
}
