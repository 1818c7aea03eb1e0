// SPDX-License-Identifier: Apache-2.0
// Two ledgers, two goroutines that copy from one to the other: each locks its source first. The second comes later ("by
// then the first is done").
package main

import (
	"fmt"
	"sync"
	"time"
)

type ledger struct {
	sync.Mutex
	rows []int
}

func (to *ledger) take(from *ledger) {
	from.Lock()
	defer from.Unlock()
	sum := 0
	for _, v := range from.rows {
		sum += v
	}
	to.Lock()
	defer to.Unlock()
	to.rows = append(to.rows, sum)
}

func main() {
	a, b := &ledger{rows: make([]int, 400000)}, &ledger{rows: make([]int, 400000)}
	var wg sync.WaitGroup
	wg.Add(2)
	go func() { defer wg.Done(); a.take(b) }()
	time.Sleep(10 * time.Millisecond)
	go func() { defer wg.Done(); b.take(a) }()
	wg.Wait()
	fmt.Println(len(a.rows), len(b.rows))
}
