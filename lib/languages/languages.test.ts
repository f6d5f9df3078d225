import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findLanguage, LANGUAGES } from '#lib/languages/index';
import { languageIdSchema } from '#lib/wire/code';
import { runnerHarness } from '../../test/support/runner-harness.ts';

const { runner } = runnerHarness();
/** Go's library is compiled at the first start. */
const PREPARATION_MS = 600_000;
beforeAll(() => runner.prepared(), PREPARATION_MS);
afterAll(() => runner.close());

describe('the languages', () => {
  it('are those of the wire, each under spellings of its own', () => {
    expect(LANGUAGES.map(({ id }) => id)).toEqual(languageIdSchema.options);
    const spellings = LANGUAGES.flatMap(({ id, aliases }) => [id, ...aliases]);
    expect(new Set(spellings).size).toBe(spellings.length);
    for (const spelling of ['py', 'js', 'node', 'ts', 'c++', 'golang', 'rs'])
      expect(findLanguage(spelling)).toBeDefined();
    expect(findLanguage('cobol')).toBeUndefined();
  });

  it.each(LANGUAGES.map((language) => [language.name, language] as const))(
    '%s runs its sample',
    async (_name, language) => {
      const result = await runner.run(
        { language: language.id, code: language.helloProgram, stdin: 'world\n' },
        { caller: 'test' },
      );
      expect(result).toMatchObject({ status: 'success', stderr: '' });
      expect(result.stdout).toContain('Hello, world!');
    },
  );
});
