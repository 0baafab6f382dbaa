package request

import "github.com/df65613c/easel/sdxl"

// ImageSize is imageSize within the limits of DecodeImage.
func ImageSize(data []byte) (sdxl.Size, error) { return imageSize(data, inputLimits(0)) }
