import type { SamplePrograms } from '#lib/languages/language-info';

export const samples: SamplePrograms = [
  {
    title: 'A typed stack',
    code: `class Stack<T> {
  #items: T[] = [];

  push(item: T): this {
    this.#items.push(item);
    return this;
  }

  pop(): T | undefined {
    return this.#items.pop();
  }
}

const stack = new Stack<string>().push('first').push('second');
console.log(stack.pop(), stack.pop(), stack.pop());
`,
  },
];
