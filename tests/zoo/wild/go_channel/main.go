package main

import "time"

func produce(c chan int) {
	for i := 0; i < 3; i++ {
		c <- i
	}
}

func main() {
	c := make(chan int)
	go func() {
		<-c
		select {}
	}()
	go func() {
		for {
			time.Sleep(time.Second)
		}
	}()
	produce(c)
}
