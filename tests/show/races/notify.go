// SPDX-License-Identifier: Apache-2.0
// A notification that is dropped if nobody listens yet ("by then the listener is up"): the listener waits for ever.
package main

import (
	"fmt"
	"strconv"
	"time"
)

func main() {
	changed, done := make(chan string), make(chan string)
	go func() {
		names := map[int]string{} // what it works with
		for i := 0; i < 5000; i++ {
			names[i] = strconv.Itoa(i)
		}
		done <- fmt.Sprint(<-changed, len(names))
	}()
	time.Sleep(20 * time.Millisecond)
	select {
	case changed <- "changed":
	default:
	}
	fmt.Println(<-done)
}
