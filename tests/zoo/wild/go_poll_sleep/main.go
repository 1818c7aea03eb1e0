package main

import (
	"os"
	"time"
)

// Waits for a file that nobody makes.
func waitFor(path string) {
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func main() {
	waitFor("ready.flag")
}
