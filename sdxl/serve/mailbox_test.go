package serve

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMailbox(t *testing.T) {
	m := newMailbox()
	for step := range mailboxSize + 3 {
		m.put("progress", &event{Step: step})
	}
	<-m.filled
	messages := m.take()
	require.Len(t, messages, mailboxSize)
	for i, message := range messages {
		require.Equal(t, i+3, message.value.(*event).Step, "the oldest are dropped")
	}
	require.Empty(t, m.take())
}

// TestMailboxWantsFewPreviews: as many as it may hold, and more when they are taken.
func TestMailboxWantsFewPreviews(t *testing.T) {
	m := newMailbox()
	for range 2 {
		for range mailboxPreviews {
			require.True(t, m.wantsPreview())
			m.put("progress", &event{})
			m.put("progress", &event{Preview: []byte{1}})
			m.put("queued", map[string]int{})
		}
		require.False(t, m.wantsPreview())
		require.Len(t, m.take(), 3*mailboxPreviews)
	}
}
