const fn spin(n: u64) -> u64 {
    let mut i = 0;
    while i < u64::MAX {
        i += n;
    }
    i
}
#[allow(long_running_const_eval)]
const X: u64 = spin(1);
fn main() {
    println!("{X}");
}
