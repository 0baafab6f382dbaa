package sniff

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func zipped(t *testing.T) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	_, err := w.Create("archive/data.pkl")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func gzipped(t *testing.T) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte("tensors"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func TestName(t *testing.T) {
	long := strings.Repeat("x", 2*Len)
	for _, c := range []struct{ start, want string }{
		{"", "an empty file"},
		{"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n", "a Git LFS pointer"},
		{"/annex/objects/SHA256E-s12--ab.safetensors\n", "a git-annex pointer"},
		{"<!DOCTYPE html>\n<html class=\"\">", "an HTML page"},
		{"<!doctype HTML><head>" + long, "an HTML page"},
		{"\ufeff\r\n\n  <HTML><body>Sign in", "an HTML page"},
		{"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>", "an XML document"},
		{"Entry not found", `text that begins "Entry not found"`},
		{"{\"error\":\"Repository not found\"}", `text that begins "{\"error\":\"Repository not found\"}"`},
		{"Zugriff verweigert für Käufer\nund mehr", `text that begins "Zugriff verweigert für Käufer"`},
		{strings.Repeat("é", Len), "text that begins"}, // cut between the bytes of a letter, at an odd start too
		{"a" + strings.Repeat("é", Len), "text that begins"},
		{zipped(t), "a ZIP archive"},
		{gzipped(t), "compressed with gzip"},
		{"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "a Python pickle"},
		{"GGUF\x03\x00\x00\x00", "a GGUF file"},
	} {
		require.Contains(t, Name([]byte(c.start)), c.want, "%.40q", c.start)
	}
	for _, other := range []string{"\x00\x01\x02\x03", "\xff\xff\xff\xff", "text\x00with nulls", " "} {
		require.Empty(t, Name([]byte(other)), "%q", other)
	}
}

func TestJSON(t *testing.T) {
	for data, want := range map[string]string{
		"":                      "no JSON but an empty file",
		"<!doctype html>":       "no JSON but an HTML page",
		"Not Found":             "no JSON but text",
		" {\"hidden_size\": ,}": "invalid character ','",
		"\x00\x01":              "invalid character",
	} {
		var v any
		require.ErrorContains(t, JSON([]byte(data), json.Unmarshal([]byte(data), &v)), want)
	}
	require.NoError(t, JSON([]byte("1"), nil))
}
