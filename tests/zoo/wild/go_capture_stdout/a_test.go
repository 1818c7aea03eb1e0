package a

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

func report(n int) {
	for i := 0; i < n; i++ {
		// a long line

		fmt.Println(strings.Repeat("x", 100))
	}
}

// Catches what is printed in a pipe, and reads it when all is written: more than the pipe holds.
func TestReport(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdout
	os.Stdout = w
	defer func() { os.Stdout = old }()
	report(2000)
	w.Close()
	b, _ := io.ReadAll(r)
	if len(b) != 2000*101 {
		t.Fatal(len(b))
	}
}
