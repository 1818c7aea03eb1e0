package main

import (
	"bytes"
	"os/exec"
)

func main() {
	var b bytes.Buffer
	c := exec.Command("sh", "-c", "sleep 300 & echo up")
	c.Stdout = &b
	c.Run()
}
