import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LANGUAGES } from '#lib/languages/index';
import type { SourceFile, Toolchain } from '#lib/languages/language';
import { shellQuote } from '#lib/runner/sandbox/bubblewrap/arguments';
import { runnerHarness } from '../../test/support/runner-harness.ts';

// Languages read sources before those are in a sandbox. No source may break the request there.

/** The default of `CODE_MAX_BYTES`. */
const SOURCE_BYTES = 50_000;
/** Linux' `MAX_ARG_STRLEN`, less what joins the steps. */
const MAX_ARGUMENT_BYTES = 128 * 1024 - 4096;

const PIECES = ['(', '{', '[', '<', '!', '"', "'", '`', '/', '\\', '@', '@(', '@a(', '#', '\0', '\n', ' ', '*/', '/*'];
const BEGINNINGS: Record<string, string[]> = {
  go: ['//go:build ', '//go:embed ', 'package main\nimport "', 'package '],
  java: ['class A { ', 'class A { void main(', 'package ', '\\u002f* package ', '@A('],
  cpp: ['#include <', '#include "', 'R"('],
  rust: ['#![', 'macro_rules! m { '],
  c: ['#include <', '#include "', '#define A '],
  bash: ['$(', '<<', '${', "$'"],
  typescript: ['@', 'const a = ', 'function f(', '@f class A {} const f = ', '/'],
  javascript: ['const a = '],
  python: ['f"', '('],
};
const HOSTILE: Record<string, readonly SourceFile[][]> = {
  go: [
    modules(`m${'m'.repeat(SOURCE_BYTES)}`, 3),
    modules('m\0', 3),
    modules("'".repeat(SOURCE_BYTES / 4), 3),
    embedding(41),
    [{ name: 'main.go', text: `package main\n//go:embed ${"'".repeat(SOURCE_BYTES)}\nfunc main() {}` }],
    [{ name: 'main.go', text: `package main\n//go:embed a\0\nfunc main() {}` }],
  ],
  java: ['p'.repeat(140_000), 'a\0b'].map((name) => [
    { name: 'A.java', text: `\\u002f* package ${name}; \\u002a/ class A { public static void main(String[] a) {} }` },
  ]),
};

function modules(name: string, count: number): SourceFile[] {
  const numbers = Array.from({ length: count }, (_, number) => number);
  return [
    {
      name: 'main.go',
      text: `package main\n${numbers.map((n) => `import _ "${name}/${n}"\n`).join('')}func main() {}`,
    },
    { name: 'go.mod', text: `module ${name}\n` },
    ...numbers.map((n) => ({ name: `${n}/a.go`, text: `package a` })),
  ];
}

/** Small packages, each of which embeds itself under many patterns. */
function embedding(count: number): SourceFile[] {
  const patterns = Array.from({ length: 16 }, (_, n) => `//go:embed ${'?'.repeat(n)}*\n`).join('');
  const numbers = Array.from({ length: count }, (_, number) => number);
  return [
    { name: 'main.go', text: `package main\n${numbers.map((n) => `import _ "m/${n}"\n`).join('')}func main() {}` },
    { name: 'go.mod', text: 'module m\n' },
    ...numbers.map((n) => ({
      name: `${n}/${'a'.repeat(170)}.go`,
      text: `package a\nimport "embed"\n${patterns}var F embed.FS\n`,
    })),
  ];
}

/** All arguments of processes for `files`. */
function argumentsOf(language: (typeof LANGUAGES)[number], files: readonly SourceFile[]): string[] {
  const programs = { compile: '/opt/tool/linux_amd64/compile', link: '/link', since122: '/src', tsc: '/tsc' };
  const toolchain: Toolchain = {
    binds: [{ from: '/opt' }],
    programs: {
      ...programs,
      node: '/n',
      java: '/j',
      javac: '/jc',
      compiler: '/c',
      rustc: '/r',
      python3: '/p',
      bash: '/b',
    },
  };
  const context = { toolchain, files, args: [], memoryMb: 128 };
  language.mainFileName(files[0]?.text ?? '');
  const input = {
    context,
    files: files.map(({ name, text }) => ({ name, content: Buffer.from(text) })),
    artifact: undefined,
  };
  for (const spec of [language.warm, language.warmCached, language.warmCompiler]) {
    spec?.accepts?.(context);
    spec?.encode(input);
  }
  const script =
    language
      .compile?.(context)
      .steps.map((step) => step.map(shellQuote).join(' '))
      .join(' && ') ?? '';
  return [script, ...language.run(context).argv, ...(language.validate.command(context)?.argv ?? [])];
}

function badArguments(language: (typeof LANGUAGES)[number], files: readonly SourceFile[]): string[] {
  return argumentsOf(language, files).flatMap((word) => [
    ...(Buffer.byteLength(word) > MAX_ARGUMENT_BYTES ? [`${Buffer.byteLength(word)} bytes: ${word.slice(0, 80)}`] : []),
    ...(word.includes('\0') ? ['a NUL character'] : []),
  ]);
}

describe.each(LANGUAGES.map((language) => [language.name, language] as const))('%s', (_name, language) => {
  it.each(['', ...(BEGINNINGS[language.id] ?? [])])(
    'makes no bad argument of a source that begins with %j',
    (beginning) => {
      for (const piece of PIECES) {
        const text = `${beginning}${piece.repeat(SOURCE_BYTES / piece.length)}\npackage main`;
        const name = language.mainFileName(text);
        expect({ piece, found: badArguments(language, [{ name, text }]) }).toEqual({ piece, found: [] });
        const more = [
          { name, text: language.helloProgram },
          { name: `more${language.extension}`, text },
        ];
        expect({ piece, found: badArguments(language, more) }).toEqual({ piece, found: [] });
      }
    },
  );
});

it.each(LANGUAGES.flatMap((language) => (HOSTILE[language.id] ?? []).map((files) => ({ language, files }))))(
  '$language.name makes no argument that the kernel refuses',
  ({ language, files }) => {
    expect(badArguments(language, files)).toEqual([]);
  },
);

describe('the runner', () => {
  const { runner } = runnerHarness({ settings: { CODE_MAX_BYTES: '200000', CODE_WARM_MEMORY_MB: '0' } });
  const PREPARATION_MS = 600_000;
  beforeAll(() => runner.prepared(), PREPARATION_MS);
  afterAll(() => runner.close());
  const TIMEOUT_MS = 60_000;

  const requested = (language: string, [main, ...others]: readonly SourceFile[]) => ({
    language,
    code: main?.text ?? '',
    files: others.map(({ name, text }) => ({ name, content: text })),
  });

  it.each([
    [
      'a constraint of too many words',
      [{ name: 'main.go', text: `//go:build ${'!'.repeat(20_000)}x\n\npackage main\nfunc main() {}` }],
      /.*/,
    ],
    ['packages that are too much together', embedding(41), /main\.go:1:1: the names of .* are \d+ bytes together/],
    ['a module whose name is too long', modules('m'.repeat(30_000), 3), /main\.go:1:1: the names of .* bytes together/],
    ['a module with a NUL character', modules('m\0', 1), /main\.go:1:1: a name holds a NUL character/],
  ] as const)('responds to Go with %s', { timeout: TIMEOUT_MS }, async (_what, files, said) => {
    const request = requested('go', files);
    const { status, stderr } = await runner.run(request, { caller: 'a' });
    expect(['success', 'compile_error']).toContain(status);
    expect(stderr).toMatch(said);
    const { errors } = await runner.validate({ language: 'go', code: request.code }, { caller: 'a' });
    expect(errors.every(({ message }) => !message.includes('sandbox'))).toBe(true);
  });

  it('places an error below a thousand macros of Rust', { timeout: TIMEOUT_MS }, async () => {
    const depth = 1450;
    const macros = Array.from({ length: depth }, (_, n) => `macro_rules! a${n}{()=>{a${n + 1}!()}}\n`);
    const code = `#![recursion_limit="9999"]\n${macros.join('')}macro_rules! a${depth}{()=>{z()}}fn main(){a0!()}\n`;
    const { errors } = await runner.validate({ language: 'rust', code }, { caller: 'a' });
    expect(errors).toMatchObject([{ line: depth + 2, message: expect.stringContaining('cannot find function `z`') }]);
  });

  it('reads no class name from text that javac does not see', { timeout: TIMEOUT_MS }, async () => {
    const [files] = HOSTILE.java ?? [];
    const { status, stage } = await runner.run(requested('java', files ?? []), { caller: 'a' });
    expect({ status, stage }).toEqual({ status: 'success', stage: 'run' });
  });
});
