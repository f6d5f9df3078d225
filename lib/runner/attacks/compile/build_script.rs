fn main() {
    println!("{:?} {:?}", option_env!("BUILT"), std::fs::metadata("/work/built").is_ok());
}
