package a

import (
	"net"
	"os"
	"testing"
	"time"
)

// Nobody listens at this address yet: the server is started by the first test.
func waitUp(address string) {
	for {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func TestMain(m *testing.M) {
	waitUp("127.0.0.1:1")
	os.Exit(m.Run())
}

func TestAnswers(t *testing.T) {}
