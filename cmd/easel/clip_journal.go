package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
)

// journalHead says what the vectors of a journal are of.
type journalHead struct {
	Model     string `json:"model"`
	Precision string `json:"precision"`
	Dim       int    `json:"dim"`
}

// journalEntry is a line of a journal: a picture and its vector in little-endian
// float32.
type journalEntry struct {
	Name   string `json:"name"`
	Vector []byte `json:"vector"`
}

// journal notes vectors as they are made, so that a run that is killed loses none.
type journal struct {
	path    string
	file    *os.File
	vectors map[string][]float32
}

// openJournal opens the journal of a run before, or a new one. The last line may
// be cut short, as by a power failure; the file goes on before it.
func openJournal(path string, head journalHead) (*journal, error) {
	j := &journal{path: path, vectors: make(map[string][]float32)}
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	whole, err := j.read(data, head)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if j.file, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return nil, err
	}
	if err := j.file.Truncate(int64(whole)); err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	if _, err := j.file.Seek(int64(whole), 0); err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	if whole > 0 {
		return j, nil
	}
	line, err := json.Marshal(head)
	if err == nil {
		_, err = j.file.Write(append(line, '\n'))
	}
	if err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	return j, nil
}

// read takes the lines of a journal, and returns how many bytes are whole lines.
func (j *journal) read(data []byte, want journalHead) (whole int, err error) {
	lines := bufio.NewReader(bytes.NewReader(data))
	for n := 0; ; n++ {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return whole, nil
		}
		if n == 0 {
			var head journalHead
			if json.Unmarshal(line, &head) != nil {
				return 0, errors.New("is no journal of easel clip; remove it, or name another output")
			}
			if head != want {
				return 0, fmt.Errorf("holds vectors of %s in %s; remove it to begin anew", head.Model, head.Precision)
			}
			whole += len(line)
			continue
		}
		var e journalEntry
		if json.Unmarshal(line, &e) != nil || len(e.Vector) != 4*want.Dim {
			return whole, nil
		}
		v := make([]float32, want.Dim)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(e.Vector[4*i:]))
		}
		j.vectors[e.Name] = v
		whole += len(line)
	}
}

// add notes a vector.
func (j *journal) add(name string, v []float32) error {
	e := journalEntry{Name: name, Vector: make([]byte, 0, 4*len(v))}
	for _, x := range v {
		e.Vector = binary.LittleEndian.AppendUint32(e.Vector, math.Float32bits(x))
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	j.vectors[name] = v
	_, err = j.file.Write(append(line, '\n'))
	return err
}

// Close closes the file; what is noted stays.
func (j *journal) Close() error {
	if j.file == nil {
		return nil
	}
	f := j.file
	j.file = nil
	return f.Close()
}
