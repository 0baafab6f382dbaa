package kernel_test

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// instruction is what says which one it is, beside its registers.
type instruction struct {
	evex              bool
	opcodeMap, prefix byte // 2 is 0F38; 1, 2 and 3 are 66, F3 and F2
	opcode            byte
}

// names are from Intel's Software Developer's Manual, volume 2.
var names = map[instruction]string{
	{true, 2, 2, 0x52}:  "VDPBF16PS",
	{true, 2, 3, 0x72}:  "VCVTNE2PS2BF16",
	{true, 2, 1, 0x50}:  "VPDPBUSD",
	{false, 2, 1, 0x50}: "VPDPBUSD",
}

// disassemble reads an instruction of three vector registers, unmasked, without
// the generator's help.
func disassemble(b []byte) (string, error) {
	set := func(i, bit int) int { return int(b[i] >> bit & 1) }
	clear := func(i, bit int) int { return 1 - set(i, bit) }
	if len(b) < 5 {
		return "", fmt.Errorf("too short: % x", b)
	}
	modrm := b[len(b)-1]
	r, rm := int(modrm>>3&7)+8*clear(1, 7), int(modrm&7)+8*clear(1, 5)
	v := int(^b[2] >> 3 & 15)
	in := instruction{prefix: b[2] & 3, opcode: b[len(b)-2]}
	length := byte(0)
	switch {
	case modrm>>6 != 3 || set(2, 7) != 0:
		return "", fmt.Errorf("no registers, or wide: % x", b)
	case b[0] == 0xc4 && len(b) == 5:
		in.opcodeMap, length = b[1]&31, byte(set(2, 2))
	case b[0] == 0x62 && len(b) == 6:
		in.evex, in.opcodeMap, length = true, b[1]&15, b[3]>>5&3
		r, rm, v = r+16*clear(1, 4), rm+16*clear(1, 6), v+16*clear(3, 3)
		if set(2, 2) != 1 || b[3]&0x97 != 0 {
			return "", fmt.Errorf("reserved, masked or broadcast: % x", b)
		}
	default:
		return "", fmt.Errorf("neither EVEX nor VEX of three bytes: % x", b)
	}
	name, ok := names[in]
	if !ok || length > 2 {
		return "", fmt.Errorf("unknown: % x", b)
	}
	reg := "XYZ"[length]
	return fmt.Sprintf("%s %c%d, %c%d, %c%d", name, reg, rm, reg, v, reg, r), nil
}

var hex = regexp.MustCompile(`BYTE \$0x([0-9a-f]{2})`)

// Instructions that Go's assembler lacks are bytes with their meaning beside them.
func TestBytesAreTheInstructionsBesideThem(t *testing.T) {
	seen := map[string]bool{}
	require.NoError(t, fs.WalkDir(os.DirFS("."), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_amd64.s") {
			return err
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for i, line := range strings.Split(string(text), "\n") {
			code, said, _ := strings.Cut(line, "//")
			if !strings.Contains(code, "BYTE") && !strings.Contains(code, "LONG") && !strings.Contains(code, "WORD") {
				continue
			}
			var b []byte
			for _, m := range hex.FindAllStringSubmatch(code, -1) {
				v, err := strconv.ParseUint(m[1], 16, 8)
				require.NoError(t, err)
				b = append(b, byte(v))
			}
			got, err := disassemble(b)
			require.NoError(t, err, "%s:%d", path, i+1)
			require.Equal(t, strings.TrimSpace(said), got, "%s:%d", path, i+1)
			name, _, _ := strings.Cut(got, " ")
			seen[name] = true
		}
		return nil
	}))
	for _, name := range names {
		require.True(t, seen[name], "no %s: where has it gone?", name)
	}
}

func TestDisassembleRefuses(t *testing.T) {
	good := []byte{0x62, 0x72, 0x6e, 0x48, 0x52, 0xc0}
	text, err := disassemble(good)
	require.NoError(t, err)
	require.Equal(t, "VDPBF16PS Z0, Z2, Z8", text)
	for i, bad := range []byte{0x63, 0x73, 0xee, 0x49, 0x53, 0x40} {
		b := append([]byte{}, good...)
		b[i] = bad
		_, err := disassemble(b)
		require.Error(t, err, "byte %d", i)
	}
	_, err = disassemble(good[:4])
	require.Error(t, err)
}
