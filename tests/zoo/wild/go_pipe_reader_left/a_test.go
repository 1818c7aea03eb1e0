package a

import (
	"encoding/json"
	"io"
	"sync"
	"testing"
)

func encode(w *io.PipeWriter, rows []string, wg *sync.WaitGroup) {
	defer wg.Done()
	for _, row := range rows {
		// each on a line of its own
		if err := json.NewEncoder(w).Encode(row); err != nil {
			return
		}
	}
	w.Close()
}

// The upload takes the first bytes and gives up; who encodes waits for the rest to be read.
func TestUpload(t *testing.T) {
	r, w := io.Pipe()
	var wg sync.WaitGroup
	wg.Add(1)
	go encode(w, []string{"one", "two", "three"}, &wg)
	b := make([]byte, 4)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}
