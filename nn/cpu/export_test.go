package cpu

// KeepRounded lets reduced precision keep images of so many bytes on rounded.
func (b *Backend) KeepRounded(bytes int) { b.large = bytes }
