package stock

import "testing"

func TestEmpty(t *testing.T) {
	if (&Stock{}).Take("pear") {
		t.Fatal("took one")
	}
}

func TestTwice(t *testing.T) {
	s := &Stock{}
	s.Take("apple")
	s.Take("apple")
}

func TestSub(t *testing.T) {
	t.Run("pear", func(t *testing.T) {
		<-make(chan int) // AT go_subtest
	})
}
