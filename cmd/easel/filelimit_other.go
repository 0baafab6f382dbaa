//go:build !unix

package main

// refuseLargeFiles does nothing: there is no limit on the size of files.
func refuseLargeFiles() {}
