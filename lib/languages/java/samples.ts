import type { SamplePrograms } from '#lib/languages/language-info';

export const samples: SamplePrograms = [
  {
    title: 'Streams',
    code: `import java.util.stream.IntStream;

public class Main {
    public static void main(String[] args) {
        int sum = IntStream.rangeClosed(1, 10).map(n -> n * n).sum();
        System.out.println("The squares of 1 to 10 sum to " + sum);
    }
}
`,
    output: 'The squares of 1 to 10 sum to 385\n',
  },
];
