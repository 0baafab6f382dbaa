// Package safetensors reads and writes the safetensors format of Hugging Face:
// eight bytes with the length of a JSON header, the header, which names the
// dtype, shape and place of each tensor, and the tensors' bytes.
//
// Open maps a file, so that opening a large checkpoint reads its header only
// and Tensor returns a view of the mapped bytes. OpenSharded and OpenModel do
// the same for a model in several files. All methods of File may be called
// from several goroutines.
//
// The package is as strict as the reference: a header above 100 MB, a hole
// between tensors, bytes that overlap or belong to no tensor, and a size that
// does not follow from dtype and shape are errors. It also refuses a name that
// occurs twice. Errors about the content of a file are of type *FormatError.
package safetensors
