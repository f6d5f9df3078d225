import { describe, expect, it } from 'vitest';
import { goProgram } from '#lib/languages/go/packages';
import { isFileBuilt, readGoOutline } from '#lib/languages/go/source-outline';

const MAIN = 'package main\n\nfunc main() {}\n';
const program = (main: string, others: Record<string, string> = {}) =>
  goProgram(
    [{ name: 'main.go', text: main }, ...Object.entries(others).map(([name, text]) => ({ name, text }))],
    'amd64',
  );
const packagesOf = (main: string, others: Record<string, string> = {}) => {
  const found = program(main, others);
  return 'refused' in found ? found.refused : found.packages.map(({ path, files }) => `${path}: ${files.join(' ')}`);
};
const importing = (...paths: string[]) =>
  `package main\n\nimport (\n${paths.map((path) => `\t"${path}"\n`).join('')})\n\nfunc main() {}\n`;

describe('readGoOutline', () => {
  it('finds imports in every form, and nothing after them', () => {
    const source = `// package no\n/* import "no" */ package p; import "a"; import (\n\t. "b"; c "d/e"\n\t_ \`f\`\n)\nvar s = "import \\"no\\""\nimport "late"\n`;
    expect(readGoOutline(source).imports.map(({ path }) => path)).toEqual(['a', 'b', 'd/e', 'f']);
    expect(readGoOutline(source).imports[2]?.place()).toEqual({ line: 3, column: 11 });
  });

  it.each([
    ['package main\nfunc main() {}', true],
    ['package main\nfunc (a A) main() {}', false],
    ['package main\nvar f = func() { var main = 1; _ = main }', false],
    ['package main\n// func main()\nvar s = `\nfunc main() {}`', false],
  ])('finds main: %j', (source, has) => {
    expect(readGoOutline(source).hasMain).toBe(has);
  });

  it.each([
    ...['{', '\n', '"', '`', '/*', '//', 'import "a";', 'import ("a";', 'func main(', '//go:embed a\n', ' é'].map(
      (piece) => ['package main;', piece] as const,
    ),
    ...['!', '(', ' ', 'a&&', 'a||'].map((piece) => ['//go:build ', piece] as const),
  ])('takes linear time: %j and then %j', (start, piece) => {
    const source = (bytes: number) => `${start}${piece.repeat(Math.ceil(bytes / piece.length))}\npackage main`;
    // The source is sixteen times as long; quadratic work would take 256 times as long.
    const [little, much] = [SMALL_BYTES, 16 * SMALL_BYTES].map((bytes) => cpuMs(() => packagesOf(source(bytes))));
    expect(much).toBeLessThan(100 * Math.max(1, little ?? 0));
  });
});

const SMALL_BYTES = 10_000;

/** The least CPU time of several runs, since other tests run at the same time. */
function cpuMs(work: () => void): number {
  return Math.min(
    ...Array.from({ length: 4 }, () => {
      const begun = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(begun);
      return (user + system) / 1000;
    }),
  );
}

describe('isFileBuilt', () => {
  it.each([
    ['a_windows.go', undefined, false],
    ['a_linux.go', undefined, true],
    ['x/a_linux_amd64.go', undefined, true],
    ['a_linux_arm64.go', undefined, false],
    ['a_darwin_amd64.go', undefined, false],
    ['a_arm64.go', undefined, false],
    ['a_test.go', undefined, false],
    ['windows.go', undefined, true],
    ['a_unix.go', undefined, true],
    ['a.go', 'ignore', false],
    ['a.go', 'linux && !cgo', true],
    ['a.go', '!linux || (windows && amd64)', false],
    ['a.go', '(darwin || unix) && go1.18', true],
    ['a.go', 'linux && (', true],
    ['a.go', `${'!'.repeat(999)}linux`, false],
    ['a.go', `${'!'.repeat(100_001)}linux`, true],
    ['a.go', '('.repeat(100_000), true],
  ])('%s with %s: %s', (name, constraint, expected) => {
    expect(isFileBuilt(name, constraint, 'amd64')).toBe(expected);
  });
});

describe('goProgram', () => {
  it('has the files next to the main file, without those for other machines', () => {
    const others = { 'b.go': 'package main', 'b_windows.go': 'package main', 'c.go': '//go:build ignore\n\npackage c' };
    expect(packagesOf(MAIN, { ...others, 'd/d.go': 'package d', 'b_test.go': 'package main' })).toEqual([
      'main: main.go b.go',
    ]);
  });

  it('has the main file alone if a build constraint excludes that', () => {
    expect(packagesOf(`//go:build ignore\n\n${MAIN}`, { 'lib.go': 'package lib' })).toEqual(['main: main.go']);
  });

  it('has imported packages of its module, each once and in dependency order', () => {
    const others = {
      'go.mod': 'module example.org/m // the name\n\ngo 1.21.3\n',
      'a/a.go': 'package a\nimport "example.org/m/b/c"',
      'b/c/c.go': 'package c',
      'b/c/more.go': 'package c',
      'unused/u.go': 'package u',
      'vendor/other.org/v/v.go': 'package v',
    };
    expect(packagesOf(importing('fmt', 'example.org/m/b/c', 'example.org/m/a', 'other.org/v'), others)).toEqual([
      'example.org/m/b/c: b/c/c.go b/c/more.go',
      'example.org/m/a: a/a.go',
      'other.org/v: vendor/other.org/v/v.go',
      'main: main.go',
    ]);
    expect(program(MAIN, others)).toMatchObject({ version: 21 });
  });

  const GO_MOD = { 'go.mod': 'module m\n' };
  const REFUSED: [main: string, others: Record<string, string>, start: string][] = [
    ['package foo\n', {}, 'main.go:1:9: package foo is not a program'],
    ['package main\n', {}, 'main.go:1:9: function main is undeclared in the main package'],
    [importing('m/a'), GO_MOD, 'main.go:4:2: package m/a is not there: the program has no Go files in a/'],
    [importing('m'), GO_MOD, 'main.go:4:2: m is a program, not a package'],
    [importing('m/a'), { ...GO_MOD, 'a/a.go': 'package main' }, 'main.go:4:2: m/a is a program, not a package'],
    [
      importing('m/a'),
      { ...GO_MOD, 'a/a.go': 'package a\nimport "m/b"', 'b/b.go': 'package b; import "m/a"' },
      'b/b.go:1:19: import cycle not allowed: m/a imports m/b imports m/a',
    ],
    [
      `${MAIN}\n//go:embed a.txt\nvar a string\n`,
      { 'b.txt': '' },
      'main.go:5:12: pattern a.txt: no matching files found',
    ],
    [`${MAIN}\n//go:embed ../go.mod\nvar a string\n`, GO_MOD, 'main.go:5:12: pattern ../go.mod: no matching'],
    [`${MAIN}\n//go:embed /etc/passwd\nvar a string\n`, GO_MOD, 'main.go:5:12: pattern /etc/passwd: no matching'],
    [
      `${MAIN}${'//go:embed *\n'.repeat(201)}`,
      {},
      'main.go:1:1: the package has //go:embed for 201 patterns, and at most 200 are taken here',
    ],
    [
      `${MAIN}${Array.from({ length: 100 }, (_, n) => `//go:embed *${'*'.repeat(n)}\n`).join('')}`,
      Object.fromEntries(Array.from({ length: 49 }, (_, n) => [`${'n'.repeat(190)}${n}`, ''])),
      'main.go:1:1: the package has //go:embed for files whose names are too long together',
    ],
  ];
  it.each(REFUSED.map(([main, others, start]) => [start, main, others] as const))(
    'refuses a program with a position: %s',
    (start, main, others) => {
      expect(packagesOf(main, others)).toEqual(expect.stringContaining(start));
    },
  );

  it.each([
    ['note.txt', ['note.txt']],
    ['*.txt', ['note.txt']],
    ['static', ['static/a.css', 'static/deep/b.css']],
    ['all:static', ['static/_hidden', 'static/a.css', 'static/deep/_c', 'static/deep/b.css']],
    ['static/*', ['static/_hidden', 'static/a.css', 'static/deep/b.css']],
    ['"static/[a-c].c?s"', ['static/a.css']],
    ['static/[^a]*', ['static/_hidden', 'static/deep/b.css']],
    ['`s*a*c/*.css`', ['static/a.css']],
  ])('embeds the files of a pattern: %s', (pattern, expected) => {
    const found = program(`${MAIN}\n//go:embed ${pattern}\nvar f embed.FS\n`, {
      ...{ 'note.txt': '', 'static/a.css': '', 'static/_hidden': '', 'static/deep/b.css': '', 'static/deep/_c': '' },
    });
    const [own] = 'packages' in found ? found.packages : [];
    expect(Object.values(own?.embedded?.Patterns ?? {})).toEqual([expected]);
    expect(own?.embedded?.Files).toEqual(Object.fromEntries(expected.map((name) => [name, name])));
  });

  it('embeds from the folder of the package', () => {
    const found = program(importing('m/a'), {
      ...GO_MOD,
      'a/a.go': 'package a\n//go:embed x\nvar X string',
      'a/x': '',
    });
    expect('packages' in found && found.packages[0]?.embedded).toEqual({ Patterns: { x: ['x'] }, Files: { x: 'a/x' } });
  });

  it('matches a pattern with many wildcards in little time', () => {
    const embedding = (stars: number) => () =>
      packagesOf(`${MAIN}//go:embed ${'*a'.repeat(stars)}b\n`, { [`${'a'.repeat(190)}c`]: '' });
    // With eight times the wildcards, backtracking would take for ever.
    expect(cpuMs(embedding(160))).toBeLessThan(100 * Math.max(1, cpuMs(embedding(20))));
  });
});
