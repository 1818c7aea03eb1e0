package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { time.Sleep(3 * time.Second); fmt.Fprint(w, "ok") }))
	r, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		panic(err)
	}
	io.Copy(io.Discard, r.Body)
}
