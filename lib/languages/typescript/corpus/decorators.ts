function logged<T extends (...a: never[]) => unknown>(value: T, context: ClassMethodDecoratorContext) {
  return function (this: unknown, ...args: never[]) { console.log('call', String(context.name)); return Reflect.apply(value, this, args); } as T;
}
enum Kind { A = 1, B }
namespace N { export const y = Kind.B; }
class P {
  constructor(private readonly z: number) {}
  @logged
  add(n: number): number { return this.z + n + N.y; }
  accessor width: number = 3;
  fail(): never {
    throw new Error("line 12");
  }
}
const p = new P(1);
console.log(p.add(2), p.width);
p.fail();
