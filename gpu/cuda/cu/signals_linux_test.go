package cu

import (
	"syscall"
	"testing"

	"github.com/ebitengine/purego"
	"github.com/stretchr/testify/require"
)

// TestSignalHandlersStay: the library's replace Go's, which then panics at a signal.
func TestSignalHandlersStay(t *testing.T) {
	const signal = int(syscall.SIGUSR2)
	var before, during, after action
	require.True(t, sigaction(signal, nil, &before))
	f := &Funcs{Init: purego.NewCallback(func(uint32) int32 {
		const ignore = 1
		sigaction(signal, &action{ignore}, nil)
		sigaction(signal, nil, &during)
		return 0
	})}
	require.Equal(t, Success, Start(f))
	require.NotEqual(t, before, during)
	require.True(t, sigaction(signal, nil, &after))
	require.Equal(t, before, after)
}

func TestLibraryThatIsNotThere(t *testing.T) {
	if _, err := Load(); err != nil {
		require.ErrorContains(t, err, "cuda: ")
	}
}
