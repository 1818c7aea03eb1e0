package main

import (
	"fmt"
	"time"
)

func main() {
	began := time.Now()
	for time.Since(began) < 3*time.Second {
		time.Sleep(100 * time.Millisecond)
	}
	fmt.Println("ready")
}
