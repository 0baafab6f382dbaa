// Package ptxsim interprets the part of PTX that the kernels are made of, so that they
// are tested without a device.
//
// A warp runs in lock step on its lanes with the least program counter, which lets them
// meet again after any flow of control. Accesses of memory outside an allocation, or not
// aligned, are errors; so are shared memory that two threads use without a barrier
// between them, or before a copy to it was waited for, and barriers that not all reach.
package ptxsim

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const lanes = 32

// slot is the index of a register.
type slot int

// register is one of a warp, as bits.
type register [lanes]uint64

// step is what an instruction does for the lanes of a mask.
type step func(w *warp, mask uint32)

type kind uint8

const (
	plain kind = iota
	branch
	barrier
	exit
)

type instruction struct {
	text   string
	kind   kind
	guard  slot // -1 is none
	not    bool // the guard must be false
	target int  // of a branch
	do     step
}

// Kernel is a kernel of a module.
type Kernel struct {
	Name       string
	Target     int // compute capability that it was compiled for, such as 80
	parameters map[string]int
	size       int // of the parameters
	shared     int // bytes, without dynamic ones
	code       []instruction
	slots      int
	constants  map[slot]uint64
	special    map[slot]string
	blocks     pool
}

// Addresses of memory that is not global have bits of their own.
const (
	sharedBase    = 1 << 40
	parameterBase = 1 << 41
)

var (
	comments   = regexp.MustCompile(`//[^\n]*`)
	entries    = regexp.MustCompile(`\.entry\s+(\w+)\s*\(([^)]*)\)`)
	targets    = regexp.MustCompile(`\.target\s+sm_(\d+)`)
	parameters = regexp.MustCompile(`\.param\s+(?:\.align\s+(\d+)\s+)?\.(\w+)\s+(\w+)(?:\[(\d+)\])?`)
	dynamic    = regexp.MustCompile(`\.extern\s+\.shared\s+.*?(\w+)\[\]`)
	arrays     = regexp.MustCompile(`\.shared\s+(?:\.align\s+(\d+)\s+)?\.(\w+)\s+(\w+)\[(\d+)\]`)
)

// Parse reads a module of one kernel.
func Parse(text string) (*Kernel, error) {
	text = comments.ReplaceAllString(text, "")
	at := entries.FindStringSubmatchIndex(text)
	if at == nil {
		return nil, fmt.Errorf("the module has no kernel")
	}
	k := &Kernel{Name: text[at[2]:at[3]], parameters: make(map[string]int), constants: make(map[slot]uint64),
		special: make(map[slot]string)}
	if m := targets.FindStringSubmatch(text); m != nil {
		k.Target, _ = strconv.Atoi(m[1])
	}
	for _, m := range parameters.FindAllStringSubmatch(text[at[4]:at[5]], -1) {
		size := sizeOf(m[2])
		align, n := size, 1
		if m[1] != "" {
			align, _ = strconv.Atoi(m[1])
		}
		if m[4] != "" {
			n, _ = strconv.Atoi(m[4])
		}
		k.size = (k.size + align - 1) / align * align
		k.parameters[m[3]] = k.size
		k.size += n * size
	}
	p := &parser{Kernel: k, registers: make(map[string]slot), labels: make(map[string]int), symbols: make(map[string]uint64)}
	for name, offset := range k.parameters {
		p.symbols[name] = parameterBase + uint64(offset)
	}
	for _, m := range arrays.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[4])
		k.shared = (k.shared + 127) &^ 127
		p.symbols[m[3]] = sharedBase + uint64(k.shared)
		k.shared += n * sizeOf(m[2])
	}
	if m := dynamic.FindStringSubmatch(text); m != nil {
		k.shared = (k.shared + 127) &^ 127
		p.symbols[m[1]] = sharedBase + uint64(k.shared)
	}
	if err := p.body(text[at[1]:]); err != nil {
		return nil, fmt.Errorf("%s: %w", k.Name, err)
	}
	return k, nil
}

// Size returns the bytes of the parameters.
func (k *Kernel) Size() int { return k.size }

// sizeOf returns the bytes of a type such as f32.
func sizeOf(name string) int {
	if name == "f16x2" {
		return 4
	}
	bits, _ := strconv.Atoi(strings.TrimLeft(name, "bsuf"))
	return bits / 8
}

type parser struct {
	*Kernel
	registers map[string]slot
	labels    map[string]int
	symbols   map[string]uint64 // addresses
	targets   []string          // labels by instruction
}

var label = regexp.MustCompile(`^\$?\w+:`)

func (p *parser) body(text string) error {
	text = text[strings.Index(text, "{")+1:]
	for statement := range strings.SplitSeq(text, ";") {
		for {
			statement = strings.TrimSpace(statement)
			if l := label.FindString(statement); l != "" {
				p.labels[strings.TrimSuffix(l, ":")] = len(p.code)
				statement = statement[len(l):]
			} else if statement != "" && (statement[0] == '{' || statement[0] == '}') {
				statement = statement[1:]
			} else {
				break
			}
		}
		var err error
		switch {
		case statement == "":
		case statement[0] == '.':
			err = p.directive(statement)
		default:
			err = p.instruction(statement)
		}
		if err != nil {
			return fmt.Errorf("%q: %w", statement, err)
		}
	}
	p.add(instruction{text: "the end", kind: exit, guard: -1}, "")
	for i, l := range p.targets {
		if l == "" {
			continue
		}
		at, ok := p.labels[l]
		if !ok {
			return fmt.Errorf("no label %s", l)
		}
		p.code[i].target = at
	}
	return nil
}

func (p *parser) add(in instruction, target string) {
	p.code, p.targets = append(p.code, in), append(p.targets, target)
}

var many = regexp.MustCompile(`^(.*)<(\d+)>$`)

func (p *parser) directive(statement string) error {
	name, rest, _ := strings.Cut(statement, " ")
	switch name {
	case ".reg":
		_, names, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if _, after, ok := strings.Cut(strings.TrimSpace(rest), "\t"); ok {
			names = after
		}
		for n := range strings.SplitSeq(names, ",") {
			n = strings.TrimSpace(n)
			if m := many.FindStringSubmatch(n); m != nil {
				count, _ := strconv.Atoi(m[2])
				for i := range count {
					p.registers[m[1]+strconv.Itoa(i)] = p.slot()
				}
			} else {
				p.registers[n] = p.slot()
			}
		}
		return nil
	case ".shared", ".pragma", ".maxntid", ".minnctapersm":
		return nil
	}
	return fmt.Errorf("a directive that is not known")
}

func (p *parser) slot() slot { p.slots++; return slot(p.slots - 1) }

func (p *parser) constant(v uint64) slot {
	s := p.slot()
	p.constants[s] = v
	return s
}

// operand returns the register of an operand, or one that holds its value.
func (p *parser) operand(o string) (slot, error) {
	o = strings.TrimSpace(o)
	if s, ok := p.registers[o]; ok {
		return s, nil
	}
	if address, ok := p.symbols[o]; ok {
		return p.constant(address), nil
	}
	switch {
	case o == "_":
		return p.slot(), nil
	case strings.HasPrefix(o, "%"):
		s := p.slot()
		p.special[s], p.registers[o] = o, s
		return s, nil
	case strings.HasPrefix(o, "0f"), strings.HasPrefix(o, "0d"):
		v, err := strconv.ParseUint(o[2:], 16, 64)
		return p.constant(v), err
	}
	if v, err := strconv.ParseInt(o, 0, 64); err == nil {
		return p.constant(uint64(v)), nil
	}
	v, err := strconv.ParseUint(strings.TrimSuffix(o, "U"), 0, 64)
	return p.constant(v), err
}

// vector returns the registers of {a, b}, or of a.
func (p *parser) vector(o string) (list []slot, err error) {
	for e := range strings.SplitSeq(strings.Trim(o, "{} "), ",") {
		s, err := p.operand(e)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// address returns the register and the offset of [a+8].
func (p *parser) address(o string) (base slot, offset uint64, err error) {
	o = strings.Trim(o, "[] ")
	if name, number, ok := strings.Cut(o, "+"); ok {
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, 0, err
		}
		o, offset = name, uint64(n)
	}
	base, err = p.operand(o)
	return base, offset, err
}

// split divides operands at commas outside of brackets.
func split(s string) (list []string) {
	depth, start := 0, 0
	for i, c := range s {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 0 {
				list = append(list, strings.TrimSpace(s[start:i]))
				start = i + 1
			}
		}
	}
	if rest := strings.TrimSpace(s[start:]); rest != "" {
		list = append(list, rest)
	}
	return list
}

func (p *parser) instruction(statement string) error {
	in := instruction{text: statement, guard: -1}
	if statement[0] == '@' {
		g, rest, _ := strings.Cut(statement, " ")
		g = g[1:]
		if g[0] == '!' {
			in.not, g = true, g[1:]
		}
		s, err := p.operand(g)
		if err != nil {
			return err
		}
		in.guard, statement = s, strings.TrimSpace(rest)
	}
	op, rest := statement, ""
	if i := strings.IndexAny(statement, " \t"); i > 0 {
		op, rest = statement[:i], statement[i:]
	}
	operands, words, target := split(rest), strings.Split(op, "."), ""
	var err error
	switch words[0] {
	case "bra":
		in.kind, target = branch, operands[0]
	case "bar":
		if op != "bar.sync" || len(operands) != 1 {
			return fmt.Errorf("a barrier that is not known")
		}
		in.kind = barrier
	case "ret", "exit":
		in.kind = exit
	default:
		in.do, err = p.plain(op, words, operands)
	}
	p.add(in, target)
	return err
}

// plain returns what an instruction without flow of control does.
func (p *parser) plain(op string, words, operands []string) (step, error) {
	switch words[0] {
	case "ld", "st":
		return p.access(words, operands)
	case "mma":
		return p.mma(op, operands)
	case "ldmatrix":
		return p.ldmatrix(op, operands)
	case "cp":
		return p.copyAsync(words, operands)
	case "shfl":
		return p.shuffle(words, operands)
	case "mov":
		if strings.Contains(operands[0]+operands[1], "{") {
			return p.pack(words, operands)
		}
	}
	list := make([]slot, len(operands))
	for i, o := range operands {
		var err error
		if list[i], err = p.operand(o); err != nil {
			return nil, err
		}
	}
	return arithmetic(words, list)
}

// pack is a mov between a register and the halves of it.
func (p *parser) pack(words, operands []string) (step, error) {
	to, err := p.vector(operands[0])
	if err != nil {
		return nil, err
	}
	from, err := p.vector(operands[1])
	if err != nil {
		return nil, err
	}
	bits := 8 * sizeOf(words[len(words)-1]) / max(len(to), len(from))
	part := uint64(1)<<bits - 1
	return func(w *warp, mask uint32) {
		each(mask, func(l int) {
			var v uint64
			for i, s := range from {
				if len(from) == 1 {
					v = w.r[s][l]
				} else {
					v |= w.r[s][l] & part << (i * bits)
				}
			}
			for i, s := range to {
				if len(to) == 1 {
					w.r[s][l] = v
				} else {
					w.r[s][l] = v >> (i * bits) & part
				}
			}
		})
	}, nil
}
