const SOURCE: &str = include_str!("main.rs");

fn main() {
    println!("{} {}", file!(), SOURCE.lines().count());
    std::process::exit(std::thread::spawn(|| 7).join().unwrap());
}
