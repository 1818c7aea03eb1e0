package main

import (
	"fmt"
	"os/exec"
)

// The pipe into sort is not closed before its output is waited for.
func order(words string) error {
	c := exec.Command("sort")
	in, err := c.StdinPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	fmt.Fprintln(in, words)
	return c.Wait()
}

func main() {
	fmt.Println(order("b a"))
}
