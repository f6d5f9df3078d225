/** A position as Go's compiler counts: both from 1, the column in bytes. */
export interface SourcePosition {
  line: number;
  column: number;
}

/** A word of a source, or a comment. */
interface GoToken {
  text: string;
  /** Its offset in the source. */
  index: number;
  /** The offset of its line. */
  lineStart: number;
  line: number;
}

/** The facts about a Go source that are needed before it is compiled. */
export interface GoOutline {
  /** Undefined without a package clause. */
  package: { name: string; place: () => SourcePosition } | undefined;
  imports: { path: string; place: () => SourcePosition }[];
  /** The patterns of every `//go:embed`. */
  patterns: { pattern: string; place: () => SourcePosition }[];
  /** The expression after `//go:build`. */
  constraint: string | undefined;
  hasMain: boolean;
}

const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|`[^`]*`?|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|[\p{L}_][\p{L}\p{N}_]*|\S/gu;

/**
 * Reads the outline of a source. It counts brackets and does not parse: the compiler refuses what
 * is not Go. Pure.
 */
export function readGoOutline(source: string): GoOutline {
  const tokens = tokenize(source);
  const words = tokens.filter(({ text }) => !isComment(text));
  const [keyword, name] = words;
  const hasPackage = keyword?.text === 'package' && name !== undefined;
  const before = hasPackage ? tokens.slice(0, tokens.indexOf(keyword)) : [];
  return {
    package: hasPackage ? { name: name.text, place: () => placeOf(source, name) } : undefined,
    imports: importsOf(source, hasPackage ? words.slice(2) : []),
    patterns: tokens.filter(({ index, lineStart }) => index === lineStart).flatMap(patternsOf),
    constraint: before
      .map(({ text }) => /^\/\/go:build\s+(.*)$/.exec(text)?.[1]?.trim())
      .find((text) => text !== undefined),
    hasMain: hasMain(words),
  };
}

function tokenize(source: string): GoToken[] {
  const tokens: GoToken[] = [];
  let line = 1;
  let lineStart = 0;
  let lineEnd = endOfLine(source, 0);
  for (const match of source.matchAll(TOKEN)) {
    for (; lineEnd < match.index; lineEnd = endOfLine(source, lineStart)) {
      line += 1;
      lineStart = lineEnd + 1;
    }
    tokens.push({ text: match[0], index: match.index, lineStart, line });
  }
  return tokens;
}

function endOfLine(source: string, from: number): number {
  const found = source.indexOf('\n', from);
  return found < 0 ? source.length : found;
}

function isComment(text: string): boolean {
  return text.startsWith('//') || text.startsWith('/*');
}

function placeOf(source: string, { index, lineStart, line }: GoToken): SourcePosition {
  return { line, column: Buffer.byteLength(source.slice(lineStart, index)) + 1 };
}

/** `import` declarations come before all others. */
function importsOf(source: string, words: readonly GoToken[]): GoOutline['imports'] {
  const imports: GoOutline['imports'] = [];
  let isGroup = false;
  let isOpen = false;
  for (const token of words) {
    const { text } = token;
    if (text === ';') continue;
    if (text === 'import') isOpen = true;
    else if (text === '(' && isOpen) isGroup = true;
    else if (text === ')' && isGroup) isGroup = isOpen = false;
    else if (!isOpen) break;
    else if (/^["`]/.test(text)) {
      imports.push({ path: text.slice(1, -1), place: () => placeOf(source, token) });
      isOpen = isGroup;
    }
  }
  return imports;
}

function patternsOf({ text, line }: GoToken): GoOutline['patterns'] {
  const start = '//go:embed ';
  if (!text.startsWith(start)) return [];
  return [...text.slice(start.length).matchAll(/"((?:\\.|[^"\\])*)"|`([^`]*)`|\S+/g)].map((match) => ({
    pattern: match[1] ?? match[2] ?? match[0],
    place: () => ({ line, column: 1 + Buffer.byteLength(text.slice(0, start.length + match.index)) }),
  }));
}

/** Whether it declares `func main` at the top level. A method has a receiver in between. */
function hasMain(words: readonly GoToken[]): boolean {
  let depth = 0;
  return words.some(({ text }, index) => {
    if (/^[({[]$/.test(text)) depth += 1;
    else if (/^[)}\]]$/.test(text)) depth -= 1;
    return depth === 0 && text === 'func' && words[index + 1]?.text === 'main' && words[index + 2]?.text === '(';
  });
}

const SYSTEMS =
  'aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows zos'.split(
    ' ',
  );
const MACHINES =
  '386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm'.split(
    ' ',
  );

/**
 * Whether a file is part of a program for `machine` (amd64, arm64) on Linux, by its name and its
 * `//go:build`. See https://pkg.go.dev/cmd/go#hdr-Build_constraints. Pure.
 */
export function isFileBuilt(name: string, constraint: string | undefined, machine: string): boolean {
  const parts = (name.split('/').at(-1) ?? '').replace(/\.go$/, '').split('_').slice(1);
  const [system, last] = parts.slice(-2);
  const named = last ?? system;
  if (named === 'test') return false;
  if (named !== undefined && MACHINES.includes(named)) {
    if (named !== machine) return false;
    if (last !== undefined && system !== undefined && SYSTEMS.includes(system) && system !== 'linux') return false;
  } else if (named !== undefined && SYSTEMS.includes(named) && named !== 'linux') return false;
  return constraint === undefined || holds(constraint, machine);
}

/**
 * Evaluates an expression of `!`, `&&`, `||` and parentheses over tags. A malformed or overlong
 * one holds, so that Go reports it.
 */
function holds(constraint: string, machine: string): boolean {
  const words = constraint.match(/&&|\|\||[!()]|[\p{L}\p{N}_.]+/gu) ?? [];
  if (words.length > MAX_CONSTRAINT_WORDS) return true;
  let at = 0;
  const isTrue = (tag: string) => ['linux', 'unix', 'gc', machine].includes(tag) || /^go1(\.\d+)?$/.test(tag);
  const single = (): boolean => {
    const word = words[at] ?? '';
    at += 1;
    if (word === '!') return !single();
    if (word !== '(') return isTrue(word);
    const value = either();
    at += 1;
    return value;
  };
  const both = (): boolean => {
    let value = single();
    while (words[at] === '&&') {
      at += 1;
      const next = single();
      value &&= next;
    }
    return value;
  };
  const either = (): boolean => {
    let value = both();
    while (words[at] === '||') {
      at += 1;
      const next = both();
      value ||= next;
    }
    return value;
  };
  const value = either();
  return at !== words.length || value;
}

/** Bounds the recursion depth of `holds` on the server's stack. */
const MAX_CONSTRAINT_WORDS = 1000;
