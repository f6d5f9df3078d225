import type { SamplePrograms } from '#lib/languages/language-info';

export const samples: SamplePrograms = [
  {
    title: 'Iterators',
    code: `fn main() {
    let total: u32 = (1..=10).filter(|n| n % 2 == 0).map(|n| n * n).sum();
    println!("The even squares up to 10 sum to {total}");
}
`,
    output: 'The even squares up to 10 sum to 220\n',
  },
];
