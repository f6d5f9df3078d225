fn main() {
    let s: String = 42;
}
