package main

import (
	_ "embed"
	"embed"
	"fmt"
	"example.org/app/util"
)

//go:embed note.txt
var note string

//go:embed static all:util
var static embed.FS

func main() {
	fmt.Println(note, util.Twice(4), platform())
	names, _ := static.ReadDir("static")
	for _, name := range names { fmt.Println(name.Name()) }
	// With the language of go.mod, loops have one variable.
	var last []func() int
	for i := 0; i < 3; i++ { last = append(last, func() int { return i }) }
	fmt.Println(last[0]())
}
