package main

import (
	"os"
	"syscall"
)

func lock(path string) *os.File {
	f, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		panic(err)
	}
	return f
}

func main() {
	a := lock("state.lock")
	b := lock("state.lock")
	b.Close()
	a.Close()
}
