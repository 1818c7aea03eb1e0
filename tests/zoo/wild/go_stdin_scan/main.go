package main

import (
	"bufio"
	"fmt"
	"os"
)

func confirm() bool {
	fmt.Println("Deploy to production? [y/N]")
	s := bufio.NewScanner(os.Stdin)
	s.Scan()
	return s.Text() == "y"
}

func main() { fmt.Println(confirm()) }
