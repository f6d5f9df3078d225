import { describe, expect, it } from 'vitest';
import { hasDecorators, hasLegacyDecorators } from '#lib/runner/languages/decorators';

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
  ])('%s', (text, found) => expect(hasDecorators(main(text))).toBe(found));

  it('looks into every file of TypeScript, and into no other', () => {
    const decorated = '@a class B {}';
    expect(hasDecorators([...main(''), { name: 'b.mts', text: decorated }])).toBe(true);
    expect(hasDecorators([...main(''), { name: 'b.txt', text: decorated }])).toBe(false);
  });
});

describe('hasLegacyDecorators', () => {
  it.each([
    ['function log(target: any, key: string, descriptor: PropertyDescriptor) {} class A { @log m() {} }', true],
    ['function log(t: any, propertyKey: string) {} class A { @log x = 1; }', true],
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

  it('is as tsconfig.json says', () => {
    const says = (value: boolean) => ({
      name: 'tsconfig.json',
      text: `{ "compilerOptions": { "experimentalDecorators": ${value} } }`,
    });
    expect(hasLegacyDecorators([...main('@a class B {}'), says(true)])).toBe(true);
    expect(hasLegacyDecorators([...main('class A { m(@b c: C) {} }'), says(false)])).toBe(false);
  });
});
