import { describe, expect, it } from 'vitest';
import { hasDecorators, hasLegacyDecorators } from '#lib/languages/typescript/decorators';

const main = (text: string) => [{ name: 'main.ts', text }];

describe('hasDecorators', () => {
  it.each([
    ['@sealed class A {}', true],
    ['class A { @(make()) m() {} }', true],
    ['class A { accessor x = 1; static accessor #y = 2; }', true],
    ['/** @param x what it is */ function f(x: number) {}', false],
    ['const mail = "a@example.org"; // @ts-ignore', false],
    ['const accessor = 1; console.log(accessor);', false],
    ['const u = "http://a"; @a class B {}', true],
    ['const t = /`/; @a class B {}', true],
    ['const t = [/"/, /[/`]\\//g]; @a class B {}', true],
    ['const half = (a + b) / 2; const c = d / 2; @a class B {}', true],
    ['const t = s.replace(/@name/g, ""); f(/[/]@x/);', false],
  ])('%s', (text, found) => expect(hasDecorators(main(text))).toBe(found));

  it('looks into TypeScript files only', () => {
    const decorated = '@a class B {}';
    expect(hasDecorators([...main(''), { name: 'b.mts', text: decorated }])).toBe(true);
    expect(hasDecorators([...main(''), { name: 'b.txt', text: decorated }])).toBe(false);
  });
});

describe('hasLegacyDecorators', () => {
  it.each([
    ['function log(target: any, key: string, descriptor: PropertyDescriptor) {} class A { @log m() {} }', true],
    ['function log(t: any, propertyKey: string) {} class A { @log x = 1; }', true],
    ['function required(target: any, key: string) {} class A { @required x = 1; }', true],
    ['function log(target: any, name: string, desc: any) {} class A { @log m() {} }', true],
    ['const Min = (n: number) => function (target: Object, name: string) {}; class A { @Min(1) x = 1; }', true],
    ['const Get = (path: string) => (target, key, desc) => { desc.value = 1; }; class A { @Get("/") m() {} }', true],
    ['function Get(p: string): any { return (o: any, k: any, d: any) => d; } class A { @Get("/") m() {} }', true],
    [
      'const of = (m: string) => (p?: string) => (o, k, d) => {}; const Get = of("GET"); class A { @Get("/") m() {} }',
      true,
    ],
    ['function Input(): PropertyDec { return (proto: any, name: string) => {}; } class A { @Input() x = 1; }', true],
    ['const Input = (): any => ((o: object, k: string | symbol) => {}) as any; class A { @Input() x = 1; }', true],
    ['class D { static log<T extends object>(o: T, n: string, d: any) {} } class A { @D.log m() {} }', true],
    ['const D = { log: (o: unknown, n: string) => {} }; class A { @D.log x = 1; }', true],
    ['function sealed(constructor: Function) {} @sealed class A {}', true],
    ['const log: Dec = (o: any, key: string) => {}; class A { @log x = 1; }', true],
    // A function that is called is no decorator itself.
    ['function log(target: any, key: string) { return (value, context) => {}; } @log({}, "a") class A {}', false],
    [
      'function log(value: any, { name }: any) { return function (a, b, c) { return d; }; } class A { @log m() {} }',
      false,
    ],
    [
      'const log = (p: string) => (method: Function, ctx: any) => function (a, b, c) {}; class A { @log("") m() {} }',
      false,
    ],
    ['function log(target: any, context: any) {} @log class A {}', false],
    [
      'function log(target: any, _ctx) { set(target, "a", 1); } function set(target: any, key: string, v) {} @log class A {}',
      false,
    ],
    ['function id(value: any) { return value; } function copy(target: any, key: string) {} @id class A {}', false],
    ['class A { constructor(@inject private readonly b: B) {} }', true],
    ['class A { m(a: number, @inject("b") b: string) {} }', true],
    ['const log: MethodDecorator = f; class A { @log m() {} }', true],
    ['function log(value: any, context: ClassMethodDecoratorContext) {} class A { @log m() {} }', false],
    ['function log(value: any, context: any) { context.addInitializer(f); } class A { @log m() {} }', false],
    ['@sealed class A {}', false],
    ['f(@sealed class {});', false],
    ['class A { @log accessor x = 1; } function f(propertyKey: string) {}', false],
    ['// PropertyDescriptor\n@sealed class A {}', false],
  ])('%s', (text, isLegacy) => expect(hasLegacyDecorators(main(text))).toBe(isLegacy));

  it('looks for the functions in every file', () => {
    const others = [{ name: 'b.ts', text: 'export function b(o: any, key: string) {}' }];
    expect(hasLegacyDecorators([...main('import { b } from "./b.ts"; class A { @b x = 1; }'), ...others])).toBe(true);
  });

  it.each([
    '@a ',
    '@a() ',
    '=/[',
    '=/',
    '{',
    '(',
    'function a(){',
    'a(){return ',
    '<',
    '=> {',
    '@a class a { a() {',
    ',@a ',
  ])('takes linear time: %j', (piece) => {
    const source = (bytes: number) => `@a class A {} ${piece.repeat(Math.ceil(bytes / piece.length))}`;
    // The least CPU time of several runs, since other tests run at the same time.
    const took = (text: string) =>
      Math.min(
        ...Array.from({ length: 4 }, () => {
          const begun = process.cpuUsage();
          hasLegacyDecorators(main(text));
          const { user, system } = process.cpuUsage(begun);
          return (user + system) / 1000;
        }),
      );
    // The source is sixteen times as long; quadratic work would take 256 times as long.
    expect(took(source(160_000))).toBeLessThan(100 * Math.max(1, took(source(10_000))));
  });

  it('follows tsconfig.json', () => {
    const says = (value: boolean) => ({
      name: 'tsconfig.json',
      text: `{ "compilerOptions": { "experimentalDecorators": ${value} } }`,
    });
    expect(hasLegacyDecorators([...main('@a class B {}'), says(true)])).toBe(true);
    expect(hasLegacyDecorators([...main('class A { m(@b c: C) {} }'), says(false)])).toBe(false);
  });
});
