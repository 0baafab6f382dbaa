package parquet

import "encoding/binary"

// pageHeader returns the header of a data page; the ids of fields are those of parquet.thrift.
func pageHeader(values, size int) []byte {
	var data, head structure
	data.i32(1, values)
	data.i32(2, plain)
	data.i32(3, rle)
	data.i32(4, rle)
	head.i32(1, 0) // a data page
	head.i32(2, size)
	head.i32(3, size)
	head.structure(5, data)
	return head.end()
}

// footer returns the description of the file.
func footer(columns []Column, rows int, groups []rowGroup) []byte {
	var s structure
	s.i32(1, 1)
	elements := schema(columns)
	s.list(2, typeStruct, len(elements))
	for _, e := range elements {
		s.b = append(s.b, e.end()...)
	}
	s.i64(3, int64(rows))
	s.list(4, typeStruct, len(groups))
	for _, g := range groups {
		s.b = append(s.b, g.describe(columns)...)
	}
	s.text(6, createdBy)
	return s.end()
}

// schema lists the columns in depth-first order, after the root.
func schema(columns []Column) []structure {
	var root structure
	root.text(4, "schema")
	root.i32(5, len(columns))
	elements := []structure{root}
	for _, c := range columns {
		if c.Vectors == nil {
			elements = append(elements, leaf(byteArrayType, optional, c.Name, true))
			continue
		}
		var list, item structure
		list.i32(3, required)
		list.text(4, c.Name)
		list.i32(5, 1)
		list.i32(6, 3) // converted type LIST
		item.i32(3, repeated)
		item.text(4, "list")
		item.i32(5, 1)
		elements = append(elements, list, item, leaf(floatType, required, "element", false))
	}
	return elements
}

func leaf(physical, repetition int, name string, utf8 bool) (e structure) {
	e.i32(1, physical)
	e.i32(3, repetition)
	e.text(4, name)
	if utf8 {
		e.i32(6, 0) // converted type UTF8
	}
	return e
}

func (g rowGroup) describe(columns []Column) []byte {
	var s structure
	total := int64(0)
	s.list(1, typeStruct, len(columns))
	for i, k := range g.chunks {
		s.b = append(s.b, k.describe(columns[i])...)
		total += k.bytes
	}
	s.i64(2, total)
	s.i64(3, int64(g.rows))
	return s.end()
}

func (k chunk) describe(c Column) []byte {
	physical, path := byteArrayType, []string{c.Name}
	if c.Vectors != nil {
		physical, path = floatType, []string{c.Name, "list", "element"}
	}
	var meta, s structure
	meta.i32(1, physical)
	meta.list(2, typeI32, 2)
	meta.b = binary.AppendVarint(binary.AppendVarint(meta.b, plain), rle)
	meta.list(3, typeBinary, len(path))
	for _, p := range path {
		meta.b = appendText(meta.b, p)
	}
	meta.i32(4, 0) // uncompressed
	meta.i64(5, int64(k.values))
	meta.i64(6, k.bytes)
	meta.i64(7, k.bytes)
	meta.i64(9, k.offset)
	s.i64(2, k.offset)
	s.structure(3, meta)
	return s.end()
}
