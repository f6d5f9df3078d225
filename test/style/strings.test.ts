import { parseSync, Visitor } from 'rolldown/utils';
import { describe, expect, it } from 'vitest';
import { readSource, repositoryFiles } from '../support/source-files.ts';

/**
 * What people read stands in the catalogue of its feature (docs/decisions/0016), so that it can be
 * edited as one text.
 */
const CATALOGUE = /(^|\/)([a-z-]+-)?strings(\.ts$|\/)|\/(error-sentence|format)\.ts$/;
/** Attributes that people read or hear. */
const READ_ATTRIBUTES =
  /^(label|title|placeholder|alt|description|action|aria-label|aria-description|aria-roledescription|aria-valuetext|caption|hint)$/;
/** Two letters in a row: a word. Symbols and units of one letter are none. */
const WORD = /\p{L}{2}/u;
/** The product's name, keys and file formats are the same in every language. */
const NAMES = /^(Chill Space|Esc|Enter|Ctrl|Shift|Alt|Tab|JSON|API|CPU|GPU|HTTP)$/;
/** Begins with a capital letter and has a space: a sentence, or a label. */
const SENTENCE = /^\p{Lu}[\p{L}’']* \S/u;

const files = repositoryFiles().filter(
  (file) =>
    /^(components|app|lib\/browser)\/.*\.tsx?$/.test(file) &&
    !/\.test\.tsx?$|\.d\.ts$|route\.ts$/.test(file) &&
    // What a program reads or writes that runs in the browser.
    !/^components\/code-run\/demo\//.test(file) &&
    !CATALOGUE.test(file),
);

/** Texts in a component that stand outside of its feature's catalogue. */
function stringsOutside(file: string, text: string): string[] {
  const found: string[] = [];
  const seen = new Set<number>();
  const report = (start: number, words: string) => {
    if (WORD.test(words) && !NAMES.test(words.trim()))
      found.push(`${file}:${text.slice(0, start).split('\n').length}: ${words.trim().slice(0, 60)}`);
  };
  const isThrown = (start: number) => /(?:Error|assert)\(\s*$/.test(text.slice(Math.max(0, start - 40), start));
  new Visitor({
    JSXText: ({ value, start }) => report(start, value),
    JSXAttribute: ({ name, value }) => {
      if (value?.type !== 'Literal') return;
      seen.add(value.start);
      if (name.type === 'JSXIdentifier' && READ_ATTRIBUTES.test(name.name)) report(value.start, String(value.value));
    },
    Literal: ({ value, start }) => {
      if (!seen.has(start) && typeof value === 'string' && SENTENCE.test(value) && !isThrown(start))
        report(start, value);
    },
    TemplateElement: ({ value, start }) => {
      if (SENTENCE.test(value.raw) && !isThrown(start - 1)) report(start, value.raw);
    },
  }).visit(parseSync(file, text).program);
  return found;
}

describe('the words of the pages', () => {
  it('stand in the catalogue of their feature', () => {
    expect(files.length).toBeGreaterThan(150);
    expect(files.flatMap((file) => stringsOutside(file, readSource(file)))).toEqual([]);
  });

  it.each([
    ['a text', 'export const A = () => <p>Nothing found.</p>;'],
    ['a label', 'export const A = () => <button aria-label="Close" />;'],
    ['a sentence in code', "export const TEXT = 'Press any key';"],
    ['a sentence with a number', 'export const text = (n: number) => `Only ${n} files` + `There are ${n}`;'],
  ])('are missed nowhere: %s', (_, source) => {
    expect(stringsOutside('components/a.tsx', source)).not.toEqual([]);
  });

  it.each([
    'export const A = () => <p className="Two words">{TEXT} · {n} s</p>;',
    "throw new Error('The markup has no room.');",
  ])('are not seen where there are none: %s', (source) => {
    expect(stringsOutside('components/a.tsx', source)).toEqual([]);
  });
});
