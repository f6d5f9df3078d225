mod shapes;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, Read};
use std::sync::{mpsc, Arc, Mutex};
use std::{env, fs, process, thread};

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(i64),
    Word(String),
}

trait Describe {
    fn describe(&self) -> String;
}

impl Describe for Token {
    fn describe(&self) -> String {
        match self {
            Token::Number(n) => format!("n{n}"),
            Token::Word(w) => format!("w{w}"),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut first = String::new();
    io::stdin().lock().read_line(&mut first)?;
    let mut rest = String::new();
    io::stdin().read_to_string(&mut rest)?;
    let sum: i64 = rest.split_whitespace().map(|n| n.parse::<i64>().unwrap()).sum();
    println!("{} {} {:?}", first.trim(), sum, env::args().skip(1).collect::<Vec<_>>());
    let tokens = vec![Token::Number(42), Token::Word("é🦀".into())];
    println!("{:?} {}", tokens, tokens.iter().map(Describe::describe).collect::<Vec<_>>().join("|"));
    let total = Arc::new(Mutex::new(0));
    let handles: Vec<_> = (0..10)
        .map(|_| {
            let total = Arc::clone(&total);
            thread::spawn(move || *total.lock().unwrap() += 1)
        })
        .collect();
    handles.into_iter().for_each(|h| h.join().unwrap());
    let (send, receive) = mpsc::channel();
    thread::spawn(move || send.send(6 * 7).unwrap());
    println!("{} {}", total.lock().unwrap(), receive.recv()?);
    let mut counts: HashMap<char, usize> = HashMap::new();
    "mississippi".chars().for_each(|c| *counts.entry(c).or_default() += 1);
    println!("{:?}", counts.into_iter().collect::<BTreeMap<_, _>>());
    println!("{} {}", u128::MAX, shapes::area(3));
    fs::write("kept.txt", "kept")?;
    println!("{} {}", fs::read_to_string("kept.txt")?, fs::read_to_string("data.txt")?.trim());
    eprintln!("to stderr");
    process::exit(5);
}
