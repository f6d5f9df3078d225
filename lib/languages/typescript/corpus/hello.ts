interface Person {
  readonly name: string;
}
enum Tone {
  Calm = 'calm',
  Loud = 'loud',
}
namespace Speech {
  export const say = <T extends Person>(person: T, tone: Tone): string =>
    tone === Tone.Loud ? `HELLO, ${person.name.toUpperCase()}!` : `Hello, ${person.name}!`;
}
class Counter {
  constructor(private count: number = 0) {}
  next(): number {
    this.count += 1;
    return this.count;
  }
}
const counter = new Counter(41);
console.log(Speech.say({ name: 'world' }, Tone.Calm), Speech.say({ name: 'é' } satisfies Person, Tone.Loud));
console.log(counter.next() as number, process.argv.slice(2));
