package main

import "time"

func main() { time.Sleep(3200 * time.Millisecond) }
