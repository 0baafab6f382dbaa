package parquet

import "encoding/binary"

// Types of fields in Thrift's compact protocol.
const (
	typeI32    = 5
	typeI64    = 6
	typeBinary = 8
	typeList   = 9
	typeStruct = 12
)

// structure collects the fields of a struct in Thrift's compact protocol, in
// the order of their ids.
type structure struct {
	b    []byte
	last int
}

func (s *structure) field(id, kind int) {
	s.b = append(s.b, byte(id-s.last)<<4|byte(kind))
	s.last = id
}

func (s *structure) i32(id int, v int) {
	s.field(id, typeI32)
	s.b = binary.AppendVarint(s.b, int64(v))
}

func (s *structure) i64(id int, v int64) {
	s.field(id, typeI64)
	s.b = binary.AppendVarint(s.b, v)
}

func (s *structure) text(id int, v string) {
	s.field(id, typeBinary)
	s.b = appendText(s.b, v)
}

// list begins a list, whose elements follow.
func (s *structure) list(id, kind, n int) {
	s.field(id, typeList)
	if n < 15 {
		s.b = append(s.b, byte(n)<<4|byte(kind))
		return
	}
	s.b = binary.AppendUvarint(append(s.b, 0xf0|byte(kind)), uint64(n))
}

func (s *structure) structure(id int, v structure) {
	s.field(id, typeStruct)
	s.b = append(s.b, v.end()...)
}

// end returns the whole struct.
func (s *structure) end() []byte { return append(s.b, 0) }

func appendText(b []byte, v string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}
