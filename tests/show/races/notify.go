// SPDX-License-Identifier: Apache-2.0
// A notification that is dropped if nobody listens yet ("by then the listener is up"): the listener waits for ever.
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	changed, done := make(chan string), make(chan string)
	go func() {
		words, _ := os.ReadFile("/proc/cpuinfo") // its configuration
		done <- fmt.Sprint(<-changed, len(words) > 0)
	}()
	time.Sleep(20 * time.Millisecond)
	select {
	case changed <- "changed":
	default:
	}
	fmt.Println(<-done)
}
