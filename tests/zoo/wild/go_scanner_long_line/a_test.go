package a

import (
	"bufio"
	"os/exec"
	"testing"
)

func lines(cmd *exec.Cmd) (n int, err error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	// a line beyond 64 KiB ends the scan
	for s := bufio.NewScanner(out); s.Scan(); {
		n++
	}
	_, err = cmd.Process.Wait()
	return n, err
}

func TestOutput(t *testing.T) {
	cmd := exec.Command("sh", "-c", "head -c 400000 /dev/zero | tr '\\0' x; echo; exit 0")
	if _, err := lines(cmd); err != nil {
		t.Fatal(err)
	}
}
