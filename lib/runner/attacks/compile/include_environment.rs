fn main() {
    println!("{}", include_str!("/proc/self/environ").contains("API_KEYS"));
    println!("{:?}", option_env!("API_KEYS"));
}
