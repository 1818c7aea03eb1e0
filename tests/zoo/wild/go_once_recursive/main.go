package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
)

var once sync.Once
var config map[string]string

func load() {
	config = map[string]string{"name": get("default")}
}

func get(name string) string {
	once.Do(load)
	return config[name]
}

func main() {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	fmt.Println(get("name"))
}
