package cpu

// KeepRounded lets reduced precision keep images of a number of bytes on rounded.
func (b *Backend) KeepRounded(bytes int) { b.large = bytes }

// StreamFrom lets programs that take more than a number of bytes make images in parts.
func (b *Backend) StreamFrom(bytes int64) { b.ample = bytes }
