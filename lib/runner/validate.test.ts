import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Diagnostic } from '#lib/languages/diagnostic';
import { MAX_DIAGNOSTICS, summarize } from '#lib/runner/validate';
import { PATIENT_POLL, runnerHarness } from '../../test/support/runner-harness.ts';

const { runner, leaks: leftovers } = runnerHarness({ settings: { CODE_COMPILE_MEMORY_MB: '512' } });
/** Go's library is compiled at the first start. */
const PREPARATION_MS = 600_000;
beforeAll(() => runner.prepared(), PREPARATION_MS);
afterAll(() => runner.close());

const check = (language: string, code: string) => runner.validate({ language, code }, { caller: 'a' });

/** Each would go on for ever, and tell of it, if any of it were run. */
const ENDLESS: [language: string, code: string][] = [
  ['python', 'print("ran")\nwhile True:\n    pass\n'],
  ['javascript', 'console.log("ran");\nwhile (true) {}\n'],
  [
    'javascript',
    'import fs from "node:fs";\nconsole.log(await fs.promises.stat("."), import.meta.url);\nwhile (true) {}\n',
  ],
  ['javascript', 'const fs = require("node:fs");\nwhile (true) fs.writeSync(1, "ran");\nreturn;\n'],
  [
    'typescript',
    'import fs from "node:fs";\nimport { join } from "node:path";\nenum E { A }\nconst text: string = fs.readFileSync(join(".", "x"), "utf8");\nconst got: Response = await fetch(text + E.A);\nwhile (true) console.log(got.status, Buffer.from(text), require("node:os"));\n',
  ],
  [
    'java',
    'public class Any { static { while (Math.random() < 2) System.out.println("ran"); }\n  public static void main(String[] args) {} }\n',
  ],
  ['cpp', '#include <iostream>\nint main() { while (true) std::cout << "ran"; }\n'],
  ['go', 'package main\n\nimport "fmt"\n\nfunc init() {\n\tfor {\n\t\tfmt.Println("ran")\n\t}\n}\n\nfunc main() {}\n'],
  ['rust', 'fn main() {\n    loop {\n        println!("ran");\n    }\n}\n'],
  ['c', '#include <stdio.h>\nint main(void) { while (1) puts("ran"); }\n'],
  ['bash', 'while true; do echo ran; touch ran; done\n$(echo ran >&2)\n'],
];

/** A program, and the place and beginning of each error and warning. */
const WRONG: [language: string, code: string, errors: string[], warnings?: string[]][] = [
  [
    'c',
    'int main(void) {\n  int é = "😀"; return y + é;\n}\n',
    ['2:24 ‘y’ undeclared'],
    ['2:11 initialization of ‘int’'],
  ],
  ['c', '#include "missing.h"\nint main(void) {}\n', ['1:10 missing.h: No such file or directory']],
  ['bash', 'echo é\nif true; then\n  echo )\nfi\n', ["3:1 syntax error near unexpected token `)'"]],
  ['bash', 'for x in 1; do\n', ['2:1 syntax error: unexpected end of file']],
  ['bash', 'cat <<END\ntext\n', [], ['2:1 here-document at line 1 delimited by end-of-file']],
  ['python', 'x = 1\né = "😀" 1\n', ['2:10 SyntaxError: invalid syntax']],
  ['python', 'é = "😀"; return 1\n', ["1:11 SyntaxError: 'return' outside function"]],
  ['python', 'if True:\npass\n', ['2:1 IndentationError: expected an indented block']],
  ['python', 'x = 1\ny = "\0"\n', ['2:1 SyntaxError: source code string cannot contain null bytes']],
  ['python', `x = ${'-'.repeat(30_000)}1`, ['1:1 The program is nested too deeply']],
  ['python', 'x = 1\nif x is 1: y = "\\d"\n', [], ['2:4 "is" with a literal', "2:17 invalid escape sequence '\\d'"]],
  ['javascript', 'const s = "é😀"; let 1a;\n', ['1:22 SyntaxError: Invalid or unexpected token']],
  ['javascript', 'import fs from "node:fs";\nawait 1;\nlet y = ;\n', ["3:9 SyntaxError: Unexpected token ';'"]],
  ['javascript', 'function f() {\n\treturn /(/;\n}\n', ['2:9 SyntaxError: Invalid regular expression']],
  ['typescript', 'const x = 1;\nfunction f(: number) { return x; }\n', ['2:12 TS1138: Parameter declaration expected']],
  [
    'typescript',
    'import fs from "node:fs";\nconst é: number = "😀"; export const b: Buffer = é;\n',
    ["2:7 TS2322: Type 'string' is not assignable", "2:38 TS2322: Type 'number' is not assignable"],
    ["1:8 TS6133: 'fs' is declared but its value is never read"],
  ],
  ['typescript', 'const spare: number = 1;\n', [], ["1:7 TS6133: 'spare' is declared but its value is never read."]],
  ['javascript', '#!/usr/bin/env node\nvar undefined = 010;\nreturn;\n', []],
  [
    'java',
    'class A { @Deprecated void f() {} }\nclass B {{ new A().f(); java.util.List l; }}\n',
    [],
    ['2:19 [deprecation] f() in A has been deprecated', '2:34 [rawtypes] found raw type: List'],
  ],
  ['cpp', 'int f() {}\n#warning seen\n', [], ['1:10 no return statement in function', '2:2 #warning seen']],
  [
    'cpp',
    '#pragma GCC diagnostic error "-Wunused-variable"\nint main() { int x; }\n',
    ['2:18 unused variable ‘x’ [-Werror'],
  ],
  ['rust', '#![deny(warnings)]\nfn main() { let x = 1; }\n', ['2:17 unused variable: `x`']],
  ['java', 'public class Foo {\n\tvoid f() { int é = 1 }\n}\n', ["2:22 ';' expected"]],
  [
    'java',
    'import java.util.*;\nclass Foo {\n\tString s = 1;\n\tList l = missing();\n}\n',
    [
      '3:13 incompatible types: int cannot be converted to String',
      '4:11 cannot find symbol\n  symbol:   method missing()',
    ],
    ['4:2 [rawtypes] found raw type: List'],
  ],
  ['cpp', 'int main() {\n  int x = 1\n}\n', ['3:1 expected ‘,’ or ‘;’ before ‘}’'], ['2:7 unused variable ‘x’']],
  [
    'cpp',
    '#include <algorithm>\n#include <list>\nint main() {\n\tstd::list<int> l; std::sort(l.begin(), l.end());\n\tconst char* s = "é"; int y = "x";\n}\n',
    ['4:29 no match for ‘operator-’', '5:31 invalid conversion from ‘const char*’ to ‘int’'],
    ['5:14 unused variable ‘s’', '5:27 unused variable ‘y’'],
  ],
  ['go', 'package main\n\nfunc main() {\n\tx := \n}\n', ['5:1 syntax error: unexpected }, expected expression']],
  [
    'go',
    'package main\n\nimport "github.com/x/y"\n\nfunc main() {\n\té := "é"; var n int = "s"; _ = n\n}\n',
    ['3:8 could not import github.com/x/y: only the', '6:2 declared and not used: é', '6:24 cannot use "s"'],
  ],
  ['rust', 'fn main() {', ['1:12 this file contains an unclosed delimiter']],
  [
    'rust',
    'fn main() {\n    let é = "😀"; let x: i32 = "s";\n    let v: u8 = vec![];\n    let unused = 1;\n}\n',
    ['2:32 mismatched types [E0308]: expected `i32`, found `&str`', '3:17 mismatched types [E0308]'],
  ],
  ['rust', 'fn main() {\n    let unused = 1;\n}\n', [], ['2:9 unused variable: `unused`']],
];

describe('a program that is only looked at', () => {
  it.each(ENDLESS)('is never run: %s', async (language, code) => {
    expect(await check(language, code)).toEqual({ isValid: true, errors: [], warnings: [] });
  });

  it.each(WRONG)('locates the errors of %s: %j', async (language, code, errors, warnings = []) => {
    const result = await check(language, code);
    const told = (list: typeof result.errors) =>
      list.map(({ line, column, message }) => `${line}:${column} ${message}`);
    expect(told(result.errors)).toEqual(errors.map((start) => expect.stringMatching(startsWith(start))));
    expect(told(result.warnings)).toEqual(warnings.map((start) => expect.stringMatching(startsWith(start))));
    expect(result.isValid).toBe(errors.length === 0);
  });
});

function startsWith(text: string): RegExp {
  return new RegExp(`^${RegExp.escape(text)}`);
}

describe('what would hurt', () => {
  it('is too large, empty, in no language, or no Unicode', async () => {
    await expect(check('python', 'x'.repeat(50_001))).rejects.toMatchObject({ code: 'code_too_large' });
    await expect(check('python', ' \n')).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(check('cobol', 'x')).rejects.toMatchObject({ code: 'unsupported_language' });
    await expect(check('go', 'x\ud800')).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('ends at the bounds of a compiler, with one error', async () => {
    const bomb =
      '#define A(x) x x x x x x x x x x\n#define B(x) A(A(A(A(x))))\n#define C(x) B(B(B(x)))\nint main() { return 0 C(+ 1); }\n';
    const message = 'The compiler was stopped: more than 512 MB of memory.';
    expect(await check('cpp', bomb)).toEqual({
      isValid: false,
      errors: [{ line: 1, column: 1, message }],
      warnings: [],
    });
  });

  it('cannot read what is on this machine', async () => {
    const { errors } = await check('cpp', `#include "${process.cwd()}/package.json"\nint main() {}\n`);
    expect(errors).toEqual([{ line: 1, column: 10, message: expect.stringContaining('No such file or directory') }]);
    const secret = await check('rust', 'fn main() {\n    include_str!("/etc/shadow");\n}\n');
    expect(secret.errors).toEqual([{ line: 2, column: 5, message: expect.stringContaining("couldn't read") }]);
  });

  it('is bounded where there is very much to say', async () => {
    const { errors, warnings } = await check(
      'cpp',
      Array.from({ length: 300 }, (_, index) => `static int u${index}; int v${index} = missing;`).join('\n'),
    );
    expect(errors.length + warnings.length).toBe(MAX_DIAGNOSTICS);
  });

  it('ends with its caller', async () => {
    const ends = new AbortController();
    const going = runner.validate({ language: 'java', code: 'class A {}' }, { caller: 'a', signal: ends.signal });
    ends.abort();
    await expect(going).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('leaves nothing', async () => {
    // The response does not wait for bubblewrap's monitor.
    await expect.poll(leftovers, PATIENT_POLL).toEqual([]);
  });
});

describe('a summary', () => {
  const at = (line: number, message: string, severity: Diagnostic['severity'] = 'error'): Diagnostic => ({
    ...{ severity, line, column: 1, message },
  });

  it('keeps errors before warnings, in order, once each, within the program', () => {
    const many = Array.from({ length: 150 }, (_, index) => at(1, `w${index}`, 'warning'));
    const result = summarize(
      [...many, at(99, 'late'), at(1, 'early'), at(1, 'early'), at(0, 'none')],
      undefined,
      'a\nb',
    );
    expect(result.errors.map(({ line, message }) => `${line} ${message}`)).toEqual(['1 early', '1 none', '2 late']);
    expect(result.warnings).toHaveLength(MAX_DIAGNOSTICS - 3);
    expect(result.isValid).toBe(false);
  });

  it('names no path that the program does not name', () => {
    const message =
      'in /usr/include/c++/12/vector, /work/main.py, see https://example.org/a/b, ./a/b, a/b and /etc/shadow';
    expect(summarize([at(1, message)], undefined, '"/etc/shadow"').errors[0]?.message).toBe(
      'in vector, main.py, see https://example.org/a/b, ./a/b, a/b and /etc/shadow',
    );
  });

  it('is never empty of errors where the compiler refused', () => {
    expect(summarize([at(1, 'odd', 'warning')], 'The program does not compile.', '')).toEqual({
      isValid: false,
      errors: [{ line: 1, column: 1, message: 'The program does not compile.' }],
      warnings: [{ line: 1, column: 1, message: 'odd' }],
    });
  });
});
