package a

import (
	"testing"
	"time"
)

// Stop says false, for the timer has fired; its value was taken already, so there is nothing to drain.
func reset(t *time.Timer, d time.Duration) {
	if !t.Stop() {
		// drain

		<-t.C
	}
	t.Reset(d)
}

func TestDebounce(t *testing.T) {
	timer := time.NewTimer(10 * time.Millisecond)
	<-timer.C
	reset(timer, time.Second)
}
