// help_test.go - what the bugs share. Each bug is a block of its own under a line `// project#number (type): what happens`. On the lines where
// a goroutine stays blocked stands the truth, which tests/cli/zoo_goker.t compares: `AT kind` (it may come first), `BESIDE kind` (blocked
// too, and only an effect of it), and `HOLDS` where a goroutine stands that holds a lock which another one waits for.
package goker

import (
	"sync"
	"time"
)

// spawn starts a goroutine that the group waits for, as a check for leaks at the end of a test does.
func spawn(left *sync.WaitGroup, f func()) {
	left.Add(1)
	go func() {
		defer left.Done()
		f()
	}()
}

// writerWaits returns when somebody waits to write: from then on nobody gets the lock to read.
func writerWaits(rw *sync.RWMutex) {
	for rw.TryRLock() {
		rw.RUnlock()
		time.Sleep(time.Millisecond)
	}
}

// readerHolds returns when somebody has the lock to read.
func readerHolds(rw *sync.RWMutex) {
	for rw.TryLock() {
		rw.Unlock()
		time.Sleep(time.Millisecond)
	}
}
