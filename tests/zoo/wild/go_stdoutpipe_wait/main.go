package main

import (
	"fmt"
	"io"
	"os/exec"
)

// The child's exit is waited for before its output is read.
func list() (string, error) {
	c := exec.Command("sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done")
	out, err := c.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := c.Start(); err != nil {
		return "", err
	}
	if _, err := c.Process.Wait(); err != nil {
		return "", err
	}
	b, err := io.ReadAll(out)
	return string(b), err
}

func main() {
	s, err := list()
	fmt.Println(len(s), err)
}
