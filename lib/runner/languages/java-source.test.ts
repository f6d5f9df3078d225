import { describe, expect, it } from 'vitest';
import { readJavaSource } from '#lib/runner/languages/java-source';

describe('readJavaSource', () => {
  it.each([
    ['public class A { public static void main(String[] a) {} }', 'A.java', 'A'],
    ['class B { static void f() {} } class C { public static void main(String... a) {} }', 'C.java', 'C'],
    ['package x.y; record R(int n) {} public class D { public static void main(String[] a) {} }', 'D.java', 'x.y.D'],
    ['public interface P {} class M { public static void main(String[] a) {} }', 'P.java', 'M'],
    ['// public class No { void main() {}\nclass E { public static void main(String[] a) {} }', 'E.java', 'E'],
    ['/* { */ enum F { A, B; public static void main(String[] a) {} }', 'F.java', 'F'],
    ['class G { String s = "} class H { void main("; char c = \'{\'; void main() {} }', 'G.java', 'G'],
    [
      'class Text { String t = """\n } class X { "quoted" """; public static void main(String[] a) {} }',
      'Text.java',
      'Text',
    ],
    ['class Outer { static class Inner { public static void main(String[] a) {} } }', 'Outer.java', undefined],
    ['@interface Q {} class Ünïcode { public static void main(String[] a) {} }', 'Ünïcode.java', 'Ünïcode'],
    ['', 'Main.java', undefined],
    ['not java at all }}}} {', 'Main.java', undefined],
  ])('%s', (source, fileName, mainClass) => expect(readJavaSource(source)).toEqual({ fileName, mainClass }));
});
