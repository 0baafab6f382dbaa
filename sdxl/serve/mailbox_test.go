package serve

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMailbox(t *testing.T) {
	m := newMailbox()
	for step := range mailboxSize + 3 {
		e := &event{Step: step}
		if step%2 == 0 {
			e.Preview = []byte{1}
		}
		m.put("progress", e)
	}
	<-m.filled
	messages := m.take()
	require.Len(t, messages, mailboxSize)
	previews := 0
	for i, message := range messages {
		e := message.value.(*event)
		require.Equal(t, i+3, e.Step, "the oldest are dropped")
		if e.Preview != nil {
			previews++
			require.GreaterOrEqual(t, i, mailboxSize-2*mailboxPreviews)
		}
	}
	require.Equal(t, mailboxPreviews, previews)
	require.Empty(t, m.take())
}
