//go:build !unix || solaris || aix

package atomicfile

import "os"

const renamesOpen = false

// hold does nothing: Windows removes no file that is open.
func hold(file, string) bool { return true }

// removeUnheld removes a temporary file unless it is open.
func removeUnheld(name string) {
	_ = os.Remove(name) // else it stays
}

// holdFolder does nothing.
func holdFolder(string) (release func(), ok bool) { return func() {}, true }

// removeUnheldFolder does nothing: nobody can tell whether a folder is in use.
func removeUnheldFolder(string) {}

// syncFolder does nothing: Windows brings names to the disk itself.
func syncFolder(string) error { return nil }
