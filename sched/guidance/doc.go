// Package guidance combines two predictions of a network, without the prompt
// (negative) and with it (positive), into one. A Guide is a function of slices,
// for one picture at a time, and guides can wrap each other. Settings name the
// guides to compose, for flags and files.
package guidance
