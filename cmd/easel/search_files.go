package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// readVectors reads the vectors of some files, one after the other, and their names.
func readVectors(paths []string, dim int) (names []string, flat []float32, err error) {
	for _, path := range paths {
		var n []string
		var v []float32
		switch ext := strings.ToLower(filepath.Ext(path)); ext {
		case ".npy":
			n, v, err = readNPY(path, dim)
		case ".safetensors":
			n, v, err = readSafetensors(path, dim)
		case ".jsonl":
			n, v, err = readLines(path, dim)
		default:
			err = errors.New("the name ends in none of .safetensors, .npy and .jsonl")
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		if flat == nil {
			names, flat = n, v
			continue
		}
		names, flat = append(names, n...), append(flat, v...)
	}
	return names, flat, nil
}

var npyShape = regexp.MustCompile(`'shape': \((\d+), (\d+),?\)`)

func readNPY(path string, dim int) ([]string, []float32, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	const fixed = 10
	start := make([]byte, fixed)
	if _, err := io.ReadFull(f, start); err != nil || !bytes.HasPrefix(start, []byte("\x93NUMPY\x01")) {
		return nil, nil, errors.New("is no .npy of version 1")
	}
	head := make([]byte, binary.LittleEndian.Uint16(start[8:]))
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, nil, errors.New("ends in its header")
	}
	header := string(head)
	shape := npyShape.FindStringSubmatch(header)
	if shape == nil || !strings.Contains(header, "'descr': '<f4'") || !strings.Contains(header, "'fortran_order': False") {
		return nil, nil, fmt.Errorf("holds %.100s, want a matrix of '<f4' by rows", header)
	}
	rows, errRows := strconv.Atoi(shape[1])
	width, errWidth := strconv.Atoi(shape[2])
	if err := errors.Join(errRows, errWidth); err != nil {
		return nil, nil, err
	}
	if err := checkWidth(width, dim); err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if left := info.Size() - int64(fixed+len(head)); width == 0 || left%int64(4*width) != 0 || int64(rows) != left/int64(4*width) {
		return nil, nil, fmt.Errorf("has %d bytes of numbers, want %d vectors of %d", left, rows, width)
	}
	flat := make([]float32, rows*width)
	if err := binary.Read(bufio.NewReaderSize(f, 1<<20), binary.LittleEndian, flat); err != nil {
		return nil, nil, err
	}
	text, err := readTextFile(namesPath(path))
	if err != nil {
		return nil, nil, fmt.Errorf("the names of its rows: %w", err)
	}
	names := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(names) != rows {
		return nil, nil, fmt.Errorf("has %d rows, and %s %d names", rows, namesPath(path), len(names))
	}
	return names, flat, nil
}

func checkWidth(got, want int) error {
	if got != want {
		return fmt.Errorf("holds vectors of %d numbers, the model makes %d: it is of another model", got, want)
	}
	return nil
}

func readSafetensors(path string, dim int) (names []string, flat []float32, err error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	metadata := f.Metadata()
	for key, list := range map[string]string{"image_embeds": "pictures", "text_embeds": "texts"} {
		if _, ok := f.Info(key); !ok {
			continue
		}
		t, err := f.Tensor(key)
		if err == nil {
			t, err = t.Convert(tensor.F32)
		}
		if err != nil {
			return nil, nil, err
		}
		if len(t.Shape()) != 2 {
			return nil, nil, fmt.Errorf("tensor %s has shape %v, want [N,%d]", key, t.Shape(), dim)
		}
		if err := checkWidth(t.Shape()[1], dim); err != nil {
			return nil, nil, err
		}
		var n []string
		if err := json.Unmarshal([]byte(metadata[list]), &n); err != nil || len(n) != t.Shape()[0] {
			return nil, nil, fmt.Errorf("the metadata %s is no list of the %d names of %s", list, t.Shape()[0], key)
		}
		names, flat = append(names, n...), append(flat, t.Float32s()...)
	}
	if names == nil {
		return nil, nil, errors.New("holds neither image_embeds nor text_embeds")
	}
	return names, flat, nil
}

func readLines(path string, dim int) (names []string, flat []float32, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<22)
	for n := 1; lines.Scan(); n++ {
		var line vectorLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", n, err)
		}
		if err := checkWidth(len(line.Vector), dim); err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", n, err)
		}
		name := line.Picture
		if line.Text != nil {
			name = *line.Text
		}
		names, flat = append(names, name), append(flat, line.Vector...)
	}
	return names, flat, lines.Err()
}
