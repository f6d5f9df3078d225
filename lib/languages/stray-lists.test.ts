import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LANGUAGE_INFOS } from '#lib/languages/infos';

/** Files that may list languages, each with its reason. */
const ALLOWED: Readonly<Record<string, string>> = {
  'bench/programs.ts': 'has a program to measure for each language',
  'bench/tables/code-throughput.ts': 'measures the languages that have a goal when many programs run',
  'bench/tables/code.ts': 'has figures of other sandboxes for each language',
  'components/markdown/shiki-grammars.ts': 'lists the grammars of the highlighter, most of them of other languages',
};

const MOST_IDS = 2;
const IDS = new Set<string>(LANGUAGE_INFOS.map(({ id }) => id));

/** The ids in a text that are quoted, or are keys. */
function idsIn(text: string): string[] {
  const words = [...text.matchAll(/(["'`])([a-z]+)\1|\b([a-z]+): /g)].map(([, , quoted, key]) => quoted ?? key ?? '');
  return [...new Set(words)].filter((word) => IDS.has(word));
}

function sourceFiles(): string[] {
  const { stdout } = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((path) => /\.(?:[cm]?[jt]sx?|json|ya?ml|sh)$|Dockerfile$/.test(path))
    .filter((path) => !/\.test\.tsx?$|^(?:lib\/languages|e2e|test)\/|^package-lock\.json$/.test(path));
}

it('finds an id in quotes and as a key', () => {
  expect(idsIn(`const a = ['cpp', "go"]; const b = { rust: 1 }; // python`)).toEqual(['cpp', 'go', 'rust']);
});

it('lists languages nowhere but in lib/languages', () => {
  const files = sourceFiles();
  expect(files.length).toBeGreaterThan(500);
  const lists = files.filter((path) => idsIn(readFileSync(path, 'utf8')).length > MOST_IDS);
  expect(lists).toEqual(Object.keys(ALLOWED));
});
