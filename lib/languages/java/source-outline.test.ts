import { describe, expect, it } from 'vitest';
import { readJavaOutline } from '#lib/languages/java/source-outline';

const MAIN = 'public static void main(String[] a) {}';

describe('readJavaOutline', () => {
  it.each([
    [`public class A { ${MAIN} }`, 'A.java', 'A'],
    ['class B { static void f() {} } class C { public static void main(String... a) {} }', 'C.java', 'C'],
    [`package x.y; record R(int n) {} public class D { ${MAIN} }`, 'D.java', 'x.y.D'],
    [`public interface P {} class M { ${MAIN} }`, 'P.java', 'M'],
    [`// public class No { void main() {}\nclass E { ${MAIN} }`, 'E.java', 'E'],
    [`/* { */ enum F { A, B; ${MAIN} }`, 'F.java', 'F'],
    [`class G { String s = "} class H { void main("; char c = '{'; ${MAIN} }`, 'G.java', 'G'],
    [`class Text { String t = """\n } class X { "quoted" \\""" """; ${MAIN} }`, 'Text.java', 'Text'],
    [`@interface Q {} class Ünïcode { ${MAIN} }`, 'Ünïcode.java', 'Ünïcode'],
    [`interface I { static void main(String[] a) {} }`, 'I.java', 'I'],
    [`record R(String name) { ${MAIN} }`, 'R.java', 'R'],
    [`enum S { ONE { void main() {} }, TWO; ${MAIN} }`, 'S.java', 'S'],
    ['class T { static final synchronized public void main(final java.lang.String args[]) {} }', 'T.java', 'T'],
    ['class U { @Deprecated public static <X> void main(@Own(a = 1) final String[] a) {} }', 'U.java', 'U'],
    [`abstract class V { ${MAIN} }`, 'V.java', 'V'],
    ['class W { public @Deprecated(since = {"x"}) static void main(String[] a) {} }', 'W.java', 'W'],
    ['class X { public @A({@B(y = {1, 2}), @C({})}) static void main(String[] a) {} }', 'X.java', 'X'],
    // The public class comes first, nested ones last.
    [`class First { ${MAIN} } public class Second { ${MAIN} }`, 'Second.java', 'Second'],
    [`class First { ${MAIN} } class Second { ${MAIN} }`, 'First.java', 'First'],
    [`class Outer { static class Inner { ${MAIN} } }`, 'Outer.java', 'Outer$Inner'],
    [`package p; class Outer { static class Inner { ${MAIN} } } class Other { ${MAIN} }`, 'Other.java', 'p.Other'],
    // These only look like it.
    [`class A { void main() {} } class B { ${MAIN} }`, 'B.java', 'B'],
    [`class A { static void main(int n) {} } class B { ${MAIN} }`, 'B.java', 'B'],
    [`class A { private static void main(String[] a) {} } class B { ${MAIN} }`, 'B.java', 'B'],
    [`abstract class A { public abstract void main(String[] a); } class B { ${MAIN} }`, 'B.java', 'B'],
    [`interface A { void main(String[] a); } class B { ${MAIN} }`, 'B.java', 'B'],
    [`class A { public static int main(String[] a) { return 1; } } class B { ${MAIN} }`, 'B.java', 'B'],
    [`class A { public static void main(String a, String[] b) {} } class B { ${MAIN} }`, 'B.java', 'B'],
    [`class A { public static void main(String[][] a) {} } class B { ${MAIN} }`, 'B.java', 'B'],
    [`class A { public static void main(Strings[] a) {} } class B { ${MAIN} }`, 'B.java', 'B'],
    [`class A { Object o = new Object() { ${MAIN} }; } class B { ${MAIN} }`, 'B.java', 'B'],
    [`class A { void f() { class Local { ${MAIN} } } } class B { ${MAIN} }`, 'B.java', 'B'],
    [`class A { Object o = f(new Object() { ${MAIN} }); } class B { ${MAIN} }`, 'B.java', 'B'],
    [`@Names({"a"}) class A { @Names({"b"}) int n; { main(); } } class B { ${MAIN} }`, 'B.java', 'B'],
    [`@Of(A.class) class A {} class B { ${MAIN} }`, 'B.java', 'B'],
    ['class Outer { void f() {} }', 'Outer.java', undefined],
    ['', 'Main.java', undefined],
    ['not java at all }}}} {', 'Main.java', undefined],
  ])('%s', (source, fileName, mainClass) => expect(readJavaOutline(source)).toMatchObject({ fileName, mainClass }));

  it.each([
    ['class A { void main() {} }', 'A'],
    ['package p; class A { static void main(String[] a) {} }', 'p.A'],
    ['class A { private void main() {} }', undefined],
    ['class A { void main(int n) {} }', undefined],
  ])('finds the main that newer versions of Java start: %s', (source, otherMain) =>
    expect(readJavaOutline(source)).toMatchObject({ mainClass: undefined, otherMain }),
  );

  it.each([
    '{',
    '}',
    '(',
    'package ',
    'class A {',
    'void main(',
    '@',
    '"',
    '"""',
    '/*',
    'class A { void main(String[] ',
  ])('takes linear time: %j', (piece) => {
    const source = (bytes: number) => `class A { ${piece.repeat(Math.ceil(bytes / piece.length))}`;
    // The least CPU time of several runs, since other tests run at the same time.
    const took = (text: string) =>
      Math.min(
        ...Array.from({ length: 4 }, () => {
          const begun = process.cpuUsage();
          readJavaOutline(text);
          const { user, system } = process.cpuUsage(begun);
          return (user + system) / 1000;
        }),
      );
    // The source is sixteen times as long; quadratic work would take 256 times as long.
    expect(took(source(16 * SMALL_BYTES))).toBeLessThan(100 * Math.max(1, took(source(SMALL_BYTES))));
  });
});

const SMALL_BYTES = 40_000;
