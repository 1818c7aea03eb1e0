package main

import (
	"net"
	"time"
)

func waitPort(addr string) {
	for {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return
		} else { time.Sleep(250 * time.Millisecond) }
	}
}

func main() {
	waitPort("127.0.0.1:9")
}
