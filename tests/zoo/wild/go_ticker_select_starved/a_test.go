package a

import (
	"testing"
	"time"
)

func eventually(t *testing.T, ok func() bool) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		// again
		<-tick.C
	}
}

func TestBecomesReady(t *testing.T) {
	n := 0
	eventually(t, func() bool { return n > 0 })
}
