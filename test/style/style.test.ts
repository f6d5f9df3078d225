import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync, Visitor } from 'rolldown/utils';
import { describe, expect, it } from 'vitest';
import { readSource, repositoryFiles } from '../support/source-files.ts';

/** The rules of CONTRIBUTING.md, "Style", as far as a program can hold them. */
const MAX_COMMENT_COLUMNS = 100;
const MAX_ROUTE_LINES = 30;
const MAX_FILE_LINES = 400;

/** Words that slow readers down, and what to write instead. */
const SLOW_WORDS: Record<string, string> = {
  whoever: 'any caller',
  nobody: 'no reader, no caller',
  anew: 'again',
  'told|tells': 'reports',
  beside: 'next to',
  gone: 'closed, removed',
  'as a rule': 'usually',
  'to be had': 'available',
  'of its own': 'its own',
  'made up': 'refilled',
  'let go': 'release',
  'there is none': 'if absent',
  'answer(s|ed|ing)?': 'response, responds',
  'pictures?': 'image',
  'abilit(y|ies)': 'capability',
  '§|SPEC|CLUSTER\\.md|SANDBOX\\.md': 'an anchor of docs/contract.md',
};
const SLOW = new RegExp(`(?<![\\w/.-])(?:${Object.keys(SLOW_WORDS).join('|')})(?![\\w-])`, 'i');

/** One word per concept, in identifiers too. */
const SYNONYM = /[aA]nswer|[pP]icture|ANSWER|PICTURE|(?<![a-zA-Z])abilit(?:y|ies)|Abilit(?:y|ies)(?![a-z])/;

/** The end of an expression whose rejection no code reads. */
const DROPPED_REJECTION = /\.catch\(\s*\(\) => (?:\{\}|undefined),?\s*\);?$/;
const IS_TEST = /^(?:test|e2e|bench)\/|\.test\.tsx?$/;

/** File names that once stood for several things. */
const VAGUE_FILES = ['request.ts', 'stats.ts', 'words.ts', 'parts.ts', 'checks.ts', 'shape.ts', 'size.ts', 'forms.ts'];

interface Finding {
  file: string;
  line: number;
  what: string;
}

const files = repositoryFiles();
const known = new Set(files);
const sources = files.filter(
  (file) => /^(app|components|lib|test|e2e|bench|scripts|[a-z-]+\.ts$)/.test(file) && /\.(tsx?|mts|mjs)$/.test(file),
);

/** Everything in one file that is not plain. */
function findings(file: string, text: string): Finding[] {
  const found: Finding[] = [];
  const rows = text.split('\n');
  const lineAt = lineFinder(rows);
  const report = (offset: number, what: string) => found.push({ file, line: lineAt(offset), what });
  const { program, comments } = parseSync(file, text);
  for (const { value, start } of comments) {
    const prose = value.replace(/https?:\S+|`[^`]*`/g, '');
    const slow = prose.match(SLOW);
    if (slow) report(start, `"${slow[0]}" in a comment`);
    const first = lineAt(start);
    rows.slice(first - 1, first - 1 + value.split('\n').length).forEach((line, index) => {
      if (line.length > MAX_COMMENT_COLUMNS && /^\s*(\/\/|\{?\/?\*)/.test(line))
        found.push({ file, line: first + index, what: `a comment of ${line.length} columns` });
    });
    for (const path of citations(value))
      if (!isThere(path)) report(start, `a comment cites ${path}, which is not there`);
  }
  const checkDropped = ({ start, end }: { start: number; end: number }) => {
    if (IS_TEST.test(file) || !DROPPED_REJECTION.test(text.slice(start, end))) return;
    // One comment may be for several lines.
    const above = rows.slice(0, lineAt(start) - 1).findLast((row) => !DROPPED_REJECTION.test(row));
    if (!/^\s*(\/\/|\*)/.test(above ?? ''))
      report(start, 'a rejection that is dropped without a comment above it that says who reports it');
  };
  new Visitor({
    ExpressionStatement: (statement) => {
      if (['CallExpression', 'ChainExpression', 'AwaitExpression'].includes(statement.expression.type))
        checkDropped(statement);
    },
    UnaryExpression: (expression) => {
      if (expression.operator === 'void') checkDropped(expression);
    },
    Identifier: ({ name, start }) => {
      if (SYNONYM.test(name)) report(start, `the identifier ${name}`);
    },
    PrivateIdentifier: ({ name, start }) => {
      if (SYNONYM.test(name)) report(start, `the identifier #${name}`);
    },
    CallExpression: ({ callee, arguments: [title], start }) => {
      const isTitle = /^(it|test|describe)\b/.test(text.slice(callee.start, callee.end));
      if (!isTitle || title === undefined) return;
      const slow = text.slice(title.start, title.end).match(/^['"`]/) && text.slice(title.start, title.end).match(SLOW);
      if (slow) report(start, `"${slow[0]}" in the title of a test`);
    },
  }).visit(program);
  return found;
}

/** Names of the types, classes and interfaces that a file exports. */
function exportedTypes(file: string, text: string): string[] {
  return parseSync(file, text).program.body.flatMap((statement) => {
    if (statement.type !== 'ExportNamedDeclaration' || statement.declaration === null) return [];
    const { declaration } = statement;
    const isType = ['TSInterfaceDeclaration', 'TSTypeAliasDeclaration', 'ClassDeclaration'].includes(declaration.type);
    return isType && 'id' in declaration && declaration.id?.type === 'Identifier' ? [declaration.id.name] : [];
  });
}

/** Paths of this repository in a text, with the anchor of a document. */
function citations(text: string): string[] {
  const paths = text.matchAll(
    /(?<![\w/.@-])((?:docs|lib|test|e2e|bench|scripts|components|deploy)\/[\w./[\]-]+\.(?:md|tsx?|mjs|json|yml|conf)(?:#[\w-]+)?)/g,
  );
  return [...paths].map(([, path = '']) => path);
}

/** Whether a file, and the anchor in it, exist. */
function isThere(citation: string): boolean {
  const [path = '', anchor] = citation.split('#');
  if (!known.has(path) && !existsSync(path)) return false;
  return anchor === undefined || anchorsOf(readFileSync(path, 'utf8')).has(anchor);
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(markdown: string): Set<string> {
  const headings = markdown.replace(/^```.*?^```/gms, '').matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Maps an offset in a text to its line, counted from 1, by binary search. */
function lineFinder(rows: readonly string[]): (offset: number) => number {
  const starts: number[] = [];
  let start = 0;
  for (const row of rows) {
    starts.push(start);
    start += row.length + 1;
  }
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

function lines(found: readonly Finding[]): string[] {
  return found.map(({ file, line, what }) => `${file}:${line}: ${what}`);
}

describe('the style of the sources', () => {
  it('uses plain words, narrow comments and citations that lead somewhere', () => {
    const checked = sources.filter((file) => file !== 'test/style/style.test.ts');
    expect(lines(checked.flatMap((file) => findings(file, readSource(file))))).toEqual([]);
  });

  it('declares each exported type once', () => {
    const places = new Map<string, string[]>();
    for (const file of sources.filter((one) => /^(lib|components)\/.*\.tsx?$/.test(one)))
      for (const name of exportedTypes(file, readSource(file))) places.set(name, [...(places.get(name) ?? []), file]);
    const twice = [...places]
      .filter(([, where]) => where.length > 1)
      .map(([name, where]) => `${name}: ${where.join(', ')}`);
    expect(twice).toEqual([]);
  });

  it('keeps route files at 30 lines', () => {
    const long = sources.filter(
      (file) => /^app\/.*route\.ts$/.test(file) && readSource(file).trimEnd().split('\n').length > MAX_ROUTE_LINES,
    );
    expect(long).toEqual([]);
  });

  it('keeps files at 400 lines', () => {
    const long = sources.filter((file) => readSource(file).trimEnd().split('\n').length > MAX_FILE_LINES);
    expect(long).toEqual([]);
  });

  it('has no file with a vague name, and no declarations next to a script', () => {
    const vague = files.filter(
      (file) => /^(lib|components)\//.test(file) && VAGUE_FILES.includes(file.split('/').at(-1) ?? ''),
    );
    expect(vague).toEqual([]);
    expect(files.filter((file) => /^scripts\/.*\.d\.[cm]?ts$/.test(file))).toEqual([]);
  });

  it.each([
    ['a slow word', '// Whoever asks is told.', '"Whoever" in a comment'],
    ['a word of a page', '/** Its answer. */', '"answer" in a comment'],
    ['a wide comment', `// ${'x'.repeat(100)}`, 'a comment of 103 columns'],
    ['a missing document', '// See docs/nothing.md.', 'docs/nothing.md, which is not there'],
    ['a missing anchor', '// See docs/contract.md#nothing.', 'docs/contract.md#nothing, which is not there'],
    ['a section of an outer document', '// SPEC §2.1', '"SPEC" in a comment'],
    ['a synonym', 'export const lastAnswer = 1;', 'the identifier lastAnswer'],
    ['a private synonym', 'class A { #picture = 1; }', 'the identifier #picture'],
    ['a dropped rejection', 'void work().catch(() => {});', 'a rejection that is dropped'],
    ['a dropped rejection in a timer', 'setTimeout(() => void work().catch(() => undefined), 1);', 'a rejection that'],
    ['a dropped rejection that is awaited', 'await work().catch(() => undefined);', 'a rejection that is dropped'],
    ['a slow title', "it('tells nobody', () => {});", '"tells" in the title of a test'],
  ])('reports %s', (_name, text, what) => {
    expect(lines(findings('lib/x.ts', text)).join()).toContain(what);
  });

  it.each([
    '// The capability, the availability and `answer` as code.',
    '// See docs/contract.md#queue and https://example.org/answers.',
    'export const visibilityOfCapability = 1;',
    "it('responds with 404', () => {});",
    '// Its caller reports it.\nvoid work().catch(() => {});',
    'const found = await work().catch(() => undefined);',
  ])('accepts %s', (text) => {
    expect(findings('lib/x.ts', text)).toEqual([]);
  });

  it('measures comments in markup, too', () => {
    const text = `const a = (\n  <>\n    {/* ${'x'.repeat(100)} */}\n  </>\n);`;
    expect(lines(findings('lib/x.tsx', text))).toEqual(['lib/x.tsx:3: a comment of 112 columns']);
  });

  it('finds the exported types of a file', () => {
    const text = 'export interface A {}\nexport type B = 1;\nexport class C {}\nexport const d = 1;\ninterface E {}';
    expect(exportedTypes('lib/x.ts', text)).toEqual(['A', 'B', 'C']);
  });
});

describe('the documents', () => {
  const documents = files.filter((file) => /^(docs\/.*|[A-Z]+|test\/.*|deploy\/.*|lib\/.*)\.md$/.test(file));

  it.each(documents)('%s links to files and anchors that exist', (file) => {
    const text = readFileSync(file, 'utf8');
    const broken = [
      ...text.replace(/^```.*?^```|`[^`\n]*`/gms, '').matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g),
    ].filter(([, link = '']) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : join(dirname(file), path);
      if (!existsSync(target)) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).has(anchor);
    });
    expect(broken.map(([, link]) => link)).toEqual([]);
    expect(citations(text.replace(/^```.*?^```/gms, '')).filter((path) => !isThere(path))).toEqual([]);
  });

  it('keeps the README at 120 lines', () => {
    expect(readFileSync('README.md', 'utf8').split('\n').length).toBeLessThanOrEqual(120);
  });

  it('lists at least ten decisions, each with its context, options or figures, and consequences', () => {
    const decisions = files.filter((file) => /^docs\/decisions\/\d{4}-[a-z0-9-]+\.md$/.test(file));
    expect(decisions.length).toBeGreaterThanOrEqual(10);
    expect(new Set(decisions.map((file) => file.slice(0, 'docs/decisions/0000'.length))).size).toBe(decisions.length);
  });
});
