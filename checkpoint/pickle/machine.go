package pickle

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

const (
	mostText  = 1 << 20 // bytes of a text
	mostSteps = 1 << 24 // instructions of a pickle
)

// machine reads a pickle, as Python's pickletools describes it: instructions for a machine with
// a stack and a memory of values. It has those that torch's files need, and calls nothing.
type machine struct {
	r     *bufio.Reader
	left  int64 // bytes that the file can still hold
	stack []any
	marks []int // heights of the stack
	memo  map[uint32]any
	calls bool // whether globals and calls may occur
	steps int  // instructions of all pickles so far
}

// load reads one pickle.
func (m *machine) load() (any, error) {
	m.stack, m.marks, m.memo = nil, nil, make(map[uint32]any)
	for range mostSteps {
		op, err := m.byte()
		if err != nil {
			return nil, err
		}
		m.steps++
		if op == '.' {
			return m.pop()
		}
		if err := m.step(op); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("a pickle of more than %d instructions", mostSteps)
}

func (m *machine) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		v, err := m.byte()
		if err == nil && (v < 2 || v > 5) {
			err = fmt.Errorf("protocol %d of pickle, want 2 to 5", v)
		}
		return err
	case 0x95: // FRAME
		_, err := m.uint(8)
		return err
	case 'N':
		return m.push(nil)
	case 0x88:
		return m.push(true)
	case 0x89:
		return m.push(false)
	case '(':
		m.marks = append(m.marks, len(m.stack))
		return nil
	case '0': // POP
		if n := len(m.marks); n > 0 && m.marks[n-1] == len(m.stack) {
			m.marks = m.marks[:n-1]
			return nil
		}
		_, err := m.pop()
		return err
	case '1': // POP_MARK
		_, err := m.popMark()
		return err
	case '2': // DUP
		v, err := m.top()
		if err != nil {
			return err
		}
		return m.push(v)
	case 'J', 'K', 'M', 0x8a, 0x8b, 'G':
		return m.number(op)
	case 'X', 0x8c, 0x8d, 'U', 'T', 'B', 'C', 0x8e, 0x96:
		return m.text(op)
	case '}':
		return m.push(new(dict))
	case ']':
		return m.push(new(list))
	case ')':
		return m.push(tuple(nil))
	case 0x8f: // EMPTY_SET
		return m.push(opaque{})
	case 't', 'l', 'd', 0x91, 0x85, 0x86, 0x87:
		return m.collect(op)
	case 's', 'u', 'a', 'e', 0x90:
		return m.fill(op)
	case 'q', 'r', 0x94, 'h', 'j':
		return m.remember(op)
	case 'c', 0x93, 'R', 0x81, 'b', 'Q':
		return m.object(op)
	}
	return fmt.Errorf("the instruction %q of pickle, which files of torch.save do not have", op)
}

func (m *machine) byte() (byte, error) {
	b, err := m.r.ReadByte()
	m.left--
	return b, short(err)
}

func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("truncated: the pickle goes on beyond its end")
	}
	return err
}

// bytes reads n bytes of a text, nil for more than are kept.
func (m *machine) bytes(n uint64) ([]byte, error) {
	if m.left < 0 || n > uint64(m.left) {
		return nil, fmt.Errorf("truncated: %d bytes are due, and the file has %d", n, m.left)
	}
	m.left -= int64(n)
	if n > mostText {
		for n > 0 {
			some, err := m.r.Discard(int(min(n, 1<<30)))
			if err != nil {
				return nil, short(err)
			}
			n -= uint64(some)
		}
		return nil, nil
	}
	b := make([]byte, n)
	_, err := io.ReadFull(m.r, b)
	return b, short(err)
}

// uint reads a number of some bytes.
func (m *machine) uint(size int) (uint64, error) {
	b, err := m.bytes(uint64(size))
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:]), nil
}

func (m *machine) push(v any) error { m.stack = append(m.stack, v); return nil }

// floor is the height below which the last mark keeps the stack.
func (m *machine) floor() int {
	if n := len(m.marks); n > 0 {
		return m.marks[n-1]
	}
	return 0
}

func (m *machine) top() (any, error) {
	if len(m.stack) <= m.floor() {
		return nil, errors.New("the pickle takes a value where there is none")
	}
	return m.stack[len(m.stack)-1], nil
}

func (m *machine) pop() (any, error) {
	v, err := m.top()
	if err == nil {
		m.stack = m.stack[:len(m.stack)-1]
	}
	return v, err
}

// popMark returns the values above the last mark.
func (m *machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, errors.New("the pickle goes back to a mark where there is none")
	}
	at := m.floor()
	m.marks = m.marks[:len(m.marks)-1]
	values := slices.Clone(m.stack[at:])
	m.stack = m.stack[:at]
	return values, nil
}

func (m *machine) number(op byte) error {
	switch op {
	case 'J':
		n, err := m.uint(4)
		return errors.Join(err, m.push(int64(int32(n))))
	case 'K':
		n, err := m.uint(1)
		return errors.Join(err, m.push(int64(n)))
	case 'M':
		n, err := m.uint(2)
		return errors.Join(err, m.push(int64(n)))
	case 'G':
		b, err := m.bytes(8)
		if err != nil {
			return err
		}
		return m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	}
	size, err := m.uint(map[byte]int{0x8a: 1, 0x8b: 4}[op])
	if err != nil {
		return err
	}
	b, err := m.bytes(size)
	if err != nil {
		return err
	}
	return m.push(whole(b))
}

// whole returns a number in two's complement: an int64 if it fits, else its bytes in
// hexadecimal.
func whole(b []byte) any {
	if len(b) > 8 {
		b = slices.Clone(b)
		slices.Reverse(b)
		return opaqueInt(hex.EncodeToString(b))
	}
	var wide [8]byte
	copy(wide[:], b)
	if n := len(b); n > 0 && b[n-1]&0x80 != 0 {
		for i := n; i < 8; i++ {
			wide[i] = 0xff
		}
	}
	return int64(binary.LittleEndian.Uint64(wide[:]))
}

// opaqueInt is a whole number of more than 64 bits.
type opaqueInt string

func (m *machine) text(op byte) error {
	size := map[byte]int{'X': 4, 0x8c: 1, 0x8d: 8, 'U': 1, 'T': 4, 'B': 4, 'C': 1, 0x8e: 8, 0x96: 8}[op]
	n, err := m.uint(size)
	if err != nil {
		return err
	}
	b, err := m.bytes(n)
	if err != nil {
		return err
	}
	switch op {
	case 'B', 'C', 0x8e, 0x96:
		return m.push(opaque{})
	}
	if b == nil {
		return m.push(opaque{})
	}
	return m.push(string(b))
}

// collect makes a value of those on the stack.
func (m *machine) collect(op byte) error {
	if n, ok := map[byte]int{0x85: 1, 0x86: 2, 0x87: 3}[op]; ok {
		if len(m.stack)-m.floor() < n {
			return errors.New("the pickle takes a value where there is none")
		}
		at := len(m.stack) - n
		t := tuple(slices.Clone(m.stack[at:]))
		m.stack = m.stack[:at]
		return m.push(t)
	}
	values, err := m.popMark()
	if err != nil {
		return err
	}
	switch op {
	case 't':
		return m.push(tuple(values))
	case 'l':
		return m.push(&list{values})
	case 'd':
		d := new(dict)
		return errors.Join(m.push(d), setAll(d, values))
	}
	return m.push(opaque{}) // a frozen set
}

func setAll(target any, values []any) error {
	d, ok := target.(*dict)
	if _, skip := target.(opaque); skip {
		return nil
	}
	if !ok || len(values)%2 != 0 {
		return fmt.Errorf("keys and values for a %T", target)
	}
	for i := 0; i < len(values); i += 2 {
		d.set(values[i], values[i+1])
	}
	return nil
}

// fill adds values on the stack to the dictionary or list below them.
func (m *machine) fill(op byte) error {
	var values []any
	var err error
	switch op {
	case 's', 'a':
		n := map[byte]int{'s': 2, 'a': 1}[op]
		values = make([]any, n)
		for i := range values {
			if values[n-1-i], err = m.pop(); err != nil {
				return err
			}
		}
	default:
		if values, err = m.popMark(); err != nil {
			return err
		}
	}
	target, err := m.top()
	if err != nil {
		return err
	}
	switch op {
	case 's', 'u':
		return setAll(target, values)
	}
	if l, ok := target.(*list); ok && op != 0x90 {
		l.items = append(l.items, values...)
		return nil
	}
	if _, skip := target.(opaque); skip {
		return nil
	}
	return fmt.Errorf("items for a %T", target)
}

// remember keeps the value on top, or brings one back.
func (m *machine) remember(op byte) error {
	at := uint64(len(m.memo))
	if size, ok := map[byte]int{'q': 1, 'r': 4, 'h': 1, 'j': 4}[op]; ok {
		var err error
		if at, err = m.uint(size); err != nil {
			return err
		}
	}
	if op == 'h' || op == 'j' {
		v, ok := m.memo[uint32(at)]
		if !ok {
			return fmt.Errorf("the pickle brings back value %d, which it has not kept", at)
		}
		return m.push(v)
	}
	v, err := m.top()
	m.memo[uint32(at)] = v
	return err
}

// object reads names of classes and functions and what is done with them. None is called.
func (m *machine) object(op byte) error {
	if !m.calls {
		return errors.New("a name or a call where none can be")
	}
	switch op {
	case 'c':
		module, err := m.line()
		if err != nil {
			return err
		}
		name, err := m.line()
		if err != nil {
			return err
		}
		return m.name(module, name)
	case 0x93: // STACK_GLOBAL
		name, err := m.pop()
		if err != nil {
			return err
		}
		module, err := m.pop()
		if err != nil {
			return err
		}
		a, isA := module.(string)
		b, isB := name.(string)
		if !isA || !isB {
			return errors.New("a name that is no text")
		}
		return m.name(a, b)
	}
	arg, err := m.pop()
	if err != nil {
		return err
	}
	if op == 'Q' { // BINPERSID
		v, err := persistent(arg)
		return errors.Join(err, m.push(v))
	}
	if op == 'b' { // BUILD: attributes of an object, such as the versions of modules
		of, err := m.top()
		if d, ok := of.(*dict); ok {
			d.takeParameters(arg)
		}
		return err
	}
	args, ok := arg.(tuple)
	if !ok {
		return fmt.Errorf("arguments that are a %T", arg)
	}
	f, err := m.pop()
	if err != nil {
		return err
	}
	v, err := reduce(f, args)
	return errors.Join(err, m.push(v))
}

func (m *machine) line() (string, error) {
	b, err := m.r.ReadSlice('\n')
	m.left -= int64(len(b))
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errors.New("a name without end")
	}
	if err != nil {
		return "", short(err)
	}
	return string(b[:len(b)-1]), nil
}

func (m *machine) name(module, name string) error {
	g := global(module + "." + name)
	if !known(g) {
		return fmt.Errorf("it calls for %.200s, which is not known to be harmless: nothing of it was run. A file of weights needs no such thing; save it as safetensors where it comes from", string(g))
	}
	return m.push(g)
}
