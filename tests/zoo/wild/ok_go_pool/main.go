package main

import (
	"fmt"
	"time"
)

func main() {
	jobs := make(chan int)
	for i := 0; i < 4; i++ {
		go func() {
			for range jobs {
			}
		}()
	}
	time.Sleep(5 * time.Second)
	fmt.Println("ok")
}
