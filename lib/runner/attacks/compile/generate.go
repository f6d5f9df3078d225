package main

//go:generate touch /work/generated
//go:debug panicnil=1

import (
	"fmt"
	"os"
)

func main() {
	_, err := os.Stat("/work/generated")
	fmt.Println(err != nil)
}
