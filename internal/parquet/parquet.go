// Package parquet writes tables of texts and vectors as Apache Parquet
// (https://parquet.apache.org/docs/file-format). It writes what embeddings need,
// plain and uncompressed; a library for the whole format would nearly double the program.
package parquet

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

const (
	magic     = "PAR1"
	pageBytes = 1 << 20 // of values in a page, about
	groupRows = 1 << 16 // rows of a row group
	createdBy = "easel version 1 (build 1)"
)

// Physical types of columns, see Type in parquet.thrift.
const (
	floatType     = 4
	byteArrayType = 6
)

// Repetition types and encodings.
const (
	required, optional, repeated = 0, 1, 2
	plain, rle                   = 0, 3
)

// Column is a column of a [Table]. Only one of its fields is set.
type Column struct {
	Name    string
	Texts   []*string   // nil is null
	Vectors [][]float32 // all of one length, which isn't 0
}

// Write writes a table whose columns have one length.
func Write(w io.Writer, columns []Column) error {
	rows, err := check(columns)
	if err != nil {
		return err
	}
	f := &file{w: w}
	f.write([]byte(magic))
	var groups []rowGroup
	for from := 0; from < rows; from += groupRows {
		groups = append(groups, f.group(columns, from, min(from+groupRows, rows)))
	}
	foot := footer(columns, rows, groups)
	f.write(foot)
	f.write(binary.LittleEndian.AppendUint32(nil, uint32(len(foot))))
	f.write([]byte(magic))
	return f.err
}

// check returns the number of rows.
func check(columns []Column) (rows int, err error) {
	for i, c := range columns {
		n := max(len(c.Texts), len(c.Vectors))
		if i == 0 {
			rows = n
		}
		if n != rows {
			return 0, fmt.Errorf("parquet: column %s has %d rows, %s has %d", c.Name, n, columns[0].Name, rows)
		}
		for _, v := range c.Vectors {
			if len(v) != len(c.Vectors[0]) || len(v) == 0 {
				return 0, fmt.Errorf("parquet: column %s has vectors of %d and of %d numbers", c.Name, len(c.Vectors[0]), len(v))
			}
		}
	}
	return rows, nil
}

// rowGroup is where the columns of some rows are.
type rowGroup struct {
	rows   int
	chunks []chunk
}

// chunk is a column of a row group.
type chunk struct {
	offset, bytes int64
	values        int // nulls and single numbers of vectors count
}

// file writes until the first error, and counts.
type file struct {
	w      io.Writer
	offset int64
	err    error
}

func (f *file) write(b []byte) {
	if f.err != nil {
		return
	}
	n, err := f.w.Write(b)
	f.offset, f.err = f.offset+int64(n), err
}

func (f *file) group(columns []Column, from, to int) rowGroup {
	g := rowGroup{rows: to - from}
	for _, c := range columns {
		k := chunk{offset: f.offset}
		for row := from; row < to; {
			n := min(c.pageRows(), to-row)
			values, page := c.page(row, row+n)
			f.write(pageHeader(values, len(page)))
			f.write(page)
			k.values, row = k.values+values, row+n
		}
		k.bytes = f.offset - k.offset
		g.chunks = append(g.chunks, k)
	}
	return g
}

// pageRows returns the number of rows of a page.
func (c Column) pageRows() int {
	if c.Vectors == nil {
		return 1 << 12
	}
	return max(1, pageBytes/4/len(c.Vectors[0]))
}

// page returns the levels and values of some rows, and the number of values.
func (c Column) page(from, to int) (values int, page []byte) {
	if c.Vectors != nil {
		return vectorPage(c.Vectors[from:to])
	}
	var levels, data []byte
	for _, s := range c.Texts[from:to] {
		if s == nil {
			levels = run(levels, 1, 0)
			continue
		}
		levels = run(levels, 1, 1)
		data = binary.LittleEndian.AppendUint32(data, uint32(len(*s)))
		data = append(data, *s...)
	}
	return to - from, append(sized(levels), data...)
}

// vectorPage returns a page of lists: each begins with repetition level 0, and goes on with 1.
func vectorPage(rows [][]float32) (values int, page []byte) {
	var repetition, data []byte
	for _, v := range rows {
		repetition = run(repetition, 1, 0)
		if len(v) > 1 {
			repetition = run(repetition, len(v)-1, 1)
		}
		for _, x := range v {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
		}
		values += len(v)
	}
	page = append(sized(repetition), sized(run(nil, values, 1))...)
	return values, append(page, data...)
}

// run appends a run of one level in the RLE encoding, at a bit for each.
func run(b []byte, count int, level byte) []byte {
	return append(binary.AppendUvarint(b, uint64(count)<<1), level)
}

// sized puts the length before levels.
func sized(levels []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(levels))), levels...)
}
