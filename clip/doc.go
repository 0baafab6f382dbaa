// Package clip takes texts and pictures to vectors of one space, with CLIP
// (Radford et al. 2021, "Learning Transferable Visual Models From Natural
// Language Supervision") and SigLIP (Zhai et al. 2023, "Sigmoid Loss for Language
// Image Pre-Training"), for search and for labels without training.
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
// A model is for any number of goroutines. What they ask for at the same time
// goes through the towers in batches, and what a text or picture is batched with
// does not change a bit of its vector. In f32 the vectors are within 1e-5 of
// those of Hugging Face's transformers.
//
// TextEncoder and VisionEncoder are the towers as graphs of package nn.
package clip
