package request

// ImageSize is imageSize, for tests.
var ImageSize = imageSize
