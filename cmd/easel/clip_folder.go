package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/imagefile"
)

// findPictures returns the pictures in a folder and below, by their paths in it,
// in order. Hidden folders are passed over.
func findPictures(folder string) (paths []string, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != folder && d.Name()[0] == '.':
			return fs.SkipDir
		case d.IsDir() || !imagefile.Named(path) || d.Name()[0] == '.':
			return nil
		}
		rel, err := filepath.Rel(folder, path)
		paths = append(paths, filepath.ToSlash(rel))
		return err
	})
	return paths, err
}

// embedFolder takes the pictures of a folder to vectors. Those that a run before
// has done are in its journal.
func (r *clipRun) embedFolder(ctx context.Context, m *clip.Model, write func(string, vectors) error) error {
	if !m.HasImages() {
		return fmt.Errorf("%s: %w", r.model.path, clip.ErrNoImage)
	}
	names, err := findPictures(r.folder)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("%s: no pictures", r.folder)
	}
	j, err := openJournal(r.output+".part",
		journalHead{Model: r.model.path + r.model.images, Precision: string(r.model.dtype.precision), Dim: m.Dim()})
	if err != nil {
		return err
	}
	defer j.Close()
	var todo, paths []string
	for _, name := range names {
		if j.vectors[name] == nil {
			todo, paths = append(todo, name), append(paths, filepath.Join(r.folder, filepath.FromSlash(name)))
		}
	}
	if n := len(names) - len(todo); n > 0 {
		fmt.Fprintf(r.log, "%d of %d pictures are done already\n", n, len(names))
	}
	bar := r.bar(len(todo))
	failed, at := 0, 0
	err = embedFiles(ctx, m, paths, func(_ string, v []float32, err error) error {
		name := todo[at]
		at++
		_ = bar.Add(1)
		if err != nil {
			failed++
			return r.skip(err)
		}
		return j.add(name, v)
	})
	_ = bar.Finish()
	if err != nil {
		return fmt.Errorf("%w (what is done is kept in %s; the same command goes on from there)", err, j.path)
	}
	v := vectors{model: m}
	for _, name := range names {
		if row := j.vectors[name]; row != nil {
			v.pictures, v.ofPictures = append(v.pictures, name), append(v.ofPictures, row)
		}
	}
	if len(v.pictures) == 0 {
		return errors.New("no picture could be read")
	}
	if err := write(r.output, v); err != nil {
		return err
	}
	if failed > 0 {
		fmt.Fprintf(r.log, "%d of %d pictures could not be read\n", failed, len(names))
	}
	return errors.Join(j.Close(), os.Remove(j.path))
}

func (r *clipRun) bar(n int) *progressbar.ProgressBar {
	return progressbar.NewOptions(n, progressbar.OptionSetWriter(r.log), progressbar.OptionSetDescription("pictures"),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString("pictures"), progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetVisibility(isTerminal(r.log)))
}
