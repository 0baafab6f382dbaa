// Package clip turns texts and pictures into vectors of one space, with CLIP
// (Radford et al. 2021, "Learning Transferable Visual Models From Natural
// Language Supervision") and SigLIP (Zhai et al. 2023, "Sigmoid Loss for
// Language Image Pre-Training"), for search and for labels without training.
//
// A Model is opened from a folder as Hugging Face publishes it, or a file of
// OpenCLIP. Weights stay in the mapped file. Vectors have length 1, so that the
// product of two is their cosine:
//
//	m, err := clip.Open("clip-vit-base-patch32", clip.Options{})
//	texts, err := m.EmbedTexts(ctx, []string{"a red circle"})
//	pictures, err := m.EmbedImages(ctx, []image.Image{img})
//	best := clip.TopK(pictures[0], texts, 5)
//
// A model may be used from any number of goroutines. Calls at the same time are
// computed in batches, and the batch does not change a bit of a vector. In f32
// the vectors are within 1e-5 of those of Hugging Face's transformers.
//
// TextEncoder and VisionEncoder are the towers as graphs of package nn.
package clip
