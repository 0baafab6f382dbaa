// Package guidance makes one answer of a network out of two: without the prompt
// (negative) and with it (positive). Guides are functions of slices, for one
// picture at a time, and wrap each other; Settings say in words, for flags and
// files, which to compose.
package guidance
