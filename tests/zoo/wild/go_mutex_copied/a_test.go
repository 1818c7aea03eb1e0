package a

import (
	"sync"
	"testing"
)

type counter struct {
	sync.Mutex
	n int
}

func (c *counter) add() {
	c.Lock()
	c.n++
	c.Unlock()
}

// The copy is made while the original is locked.
func TestCopy(t *testing.T) {
	c := &counter{}
	c.Lock()
	snapshot := *c
	c.Unlock()
	snapshot.add()
}
