//go:build !amd64 && !arm64

package convert

// toF32 and fromF32 convert a leading part and return its length.

func toF32(dst []float32, src []byte, f Format) (done int) { return 0 }

func fromF32(dst []byte, src []float32, f Format) (done int) { return 0 }
