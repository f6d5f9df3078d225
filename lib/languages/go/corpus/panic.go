package main

import "fmt"

func main() {
	fmt.Println("first")
	var none []int
	fmt.Println(none[len(none)])
}
