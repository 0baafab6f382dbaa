package cu

import "fmt"

// Result is a CUresult.
type Result int32

// Results that are told apart.
const (
	Success           Result = 0
	InvalidValue      Result = 1
	OutOfMemory       Result = 2
	NoDevice          Result = 100
	InvalidPTX        Result = 218
	UnsupportedPTX    Result = 222
	NotFound          Result = 500
	NotReady          Result = 600
	IllegalAddress    Result = 700
	LaunchOutOfMemory Result = 701 // too many registers or threads
	LaunchFailed      Result = 719
)

var results = map[Result]string{
	InvalidValue: "CUDA_ERROR_INVALID_VALUE", OutOfMemory: "CUDA_ERROR_OUT_OF_MEMORY", 3: "CUDA_ERROR_NOT_INITIALIZED",
	4:  "CUDA_ERROR_DEINITIALIZED",
	34: "CUDA_ERROR_STUB_LIBRARY", 46: "CUDA_ERROR_DEVICE_UNAVAILABLE", NoDevice: "CUDA_ERROR_NO_DEVICE",
	101: "CUDA_ERROR_INVALID_DEVICE",
	200: "CUDA_ERROR_INVALID_IMAGE", 201: "CUDA_ERROR_INVALID_CONTEXT", 209: "CUDA_ERROR_NO_BINARY_FOR_GPU",
	214:        "CUDA_ERROR_ECC_UNCORRECTABLE",
	InvalidPTX: "CUDA_ERROR_INVALID_PTX", 221: "CUDA_ERROR_JIT_COMPILER_NOT_FOUND",
	UnsupportedPTX: "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
	304:            "CUDA_ERROR_OPERATING_SYSTEM", 400: "CUDA_ERROR_INVALID_HANDLE", NotFound: "CUDA_ERROR_NOT_FOUND",
	NotReady:       "CUDA_ERROR_NOT_READY",
	IllegalAddress: "CUDA_ERROR_ILLEGAL_ADDRESS", LaunchOutOfMemory: "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
	702: "CUDA_ERROR_LAUNCH_TIMEOUT",
	714: "CUDA_ERROR_HARDWARE_STACK_ERROR", 715: "CUDA_ERROR_ILLEGAL_INSTRUCTION", 716: "CUDA_ERROR_MISALIGNED_ADDRESS",
	717: "CUDA_ERROR_INVALID_ADDRESS_SPACE", 718: "CUDA_ERROR_INVALID_PC", LaunchFailed: "CUDA_ERROR_LAUNCH_FAILED",
	803: "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", 804: "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE", 999: "CUDA_ERROR_UNKNOWN",
}

func (r Result) Error() string {
	if name, ok := results[r]; ok {
		return name
	}
	return fmt.Sprintf("CUresult %d", int32(r))
}

// Lost reports whether nothing can be done with the device after the result.
func (r Result) Lost() bool {
	switch r {
	case 4, 46, 214, 702, 709, 999:
		return true
	}
	return r >= IllegalAddress && r <= LaunchFailed && r != LaunchOutOfMemory && r != 704 && r != 705 && r != 708
}

// Check returns the error of a function.
func Check(function string, r Result) error {
	if r == Success {
		return nil
	}
	return fmt.Errorf("%s: %w", function, r)
}
