package main

func main() {
	for i := 0; i < 100; i++ {
		go func() {
			for {
			}
		}()
	}
	select {}
}
