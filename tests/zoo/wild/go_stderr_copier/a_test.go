package a

import (
	"bytes"
	"os/exec"
	"testing"
)

// The master goes into the background and keeps standard error, which goes into a buffer.
func connect() error {
	var said bytes.Buffer
	cmd := exec.Command("sh", "-c", "sleep 300 & exit 0")
	cmd.Stderr = &said
	return cmd.Run()
}

func TestConnect(t *testing.T) {
	if err := connect(); err != nil {
		t.Fatal(err)
	}
}
