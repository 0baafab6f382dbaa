package serve

import "sync"

// message is an event under its name.
type message struct {
	name  string
	value any
}

// mailbox holds messages for a client until it takes them. Of those that a slow
// client has not taken the oldest are dropped, and no more previews are made, so
// that it costs no more than a fast one.
type mailbox struct {
	filled chan struct{}

	mu       sync.Mutex
	messages []message
}

const (
	mailboxSize     = 256
	mailboxPreviews = 4 // which are pictures
)

func newMailbox() *mailbox { return &mailbox{filled: make(chan struct{}, 1)} }

func (m *mailbox) put(name string, value any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.messages) == mailboxSize {
		m.messages = m.messages[1:]
	}
	m.messages = append(m.messages, message{name, value})
	select {
	case m.filled <- struct{}{}:
	default:
	}
}

// wantsPreview reports whether the client has taken most of the previews so far. Only
// then is another worth the time of the client's turn.
func (m *mailbox) wantsPreview() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	previews := 0
	for _, held := range m.messages {
		if e, ok := held.value.(*event); ok && e.Preview != nil {
			previews++
		}
	}
	return previews < mailboxPreviews
}

// take empties the box.
func (m *mailbox) take() []message {
	m.mu.Lock()
	defer m.mu.Unlock()
	messages := m.messages
	m.messages = nil
	return messages
}
